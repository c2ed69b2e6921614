import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';

import { openDatabase as openVacuumed } from '../../activities/database/database.ts';
import type { LedgerReport } from '../../activities/ledger/reports.ts';
import { resolvePolicy } from '../../activities/plan/resolve.ts';
import { inSnapshot } from '../../activities/sql/transaction.ts';
import {
  Artifact,
  ArtifactCollection,
  FlowRun,
  Log,
  STATE_TYPES,
} from '../../policy/presets/prefect/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import type { Contents, ContentRow } from '../support/prefect/contents.ts';
import { readContents } from '../support/prefect/contents.ts';
import { idOf } from '../support/prefect/history.ts';
import { PrefectHome } from '../support/prefect/home.ts';
import { expectVacuum, TABLES } from '../support/prefect/model.ts';
import type { Schema } from '../support/prefect/read-schema.ts';
import { readSchema } from '../support/prefect/read-schema.ts';
import { startPrefectServer } from '../support/prefect/server.ts';
import { createMigrated, createTwins } from '../support/prefect/twins.ts';
import { TemporalSession } from '../support/temporal.ts';
import { Before, prefectPolicy, vacuum } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal', 'prefect'], 'debug', () => {
  const session = new TemporalSession();
  let home: PrefectHome; let migrated: TestDatabase;
  beforeAll(async () => { home = new PrefectHome(); migrated = await createMigrated(home); });
  afterAll(async () => { await session.close(); await migrated.drop(); home.remove(); });
  test('x', async () => {
    let t = Date.now(); const lap = (n) => { console.log(n, Date.now() - t); t = Date.now(); };
    const [a, b] = await createTwins(home, migrated.name);
    lap('twins');
    const show = async (sql) => console.log((await a.rows<{x: string}>(sql)).map((r) => Object.values(r).join(' | ')).join('\n'));
    await show('select name, state_type, end_time, start_time, created, parent_task_run_id is not null, deployment_id, (select count(*) from log where flow_run_id = f.id), (select count(*) from artifact where flow_run_id=f.id), (select count(*) from task_run where flow_run_id=f.id) from flow_run f order by end_time');
    await show('select name, flow_run_id, state_type, created from task_run order by name');
    await show('select key, created, data::text, flow_run_id from artifact order by key, created');
    await show('select key, created, data::text, latest_id in (select id from artifact) from artifact_collection order by key');
    await show('select message, flow_run_id, task_run_id, timestamp from log where name = $$made$$ and message not like $$of%$$');
    lap('x');
    const before = await Before.of(a);
    const report = await vacuum(session, a, [prefectPolicy({ retentionPeriod: '90 days' })]);
    lap('vacuum');
    console.log(report);
    await before.expectRightRows();
    await before.expectExactAccount(report);
    await a.drop(); await b.drop();
  });
});
