import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase as openVacuumed } from '../../../activities/ledger/database.ts';
import { readHistory, readReport } from '../../../activities/ledger/reports.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { PrefectRows } from '../../support/prefect/rows.ts';
import { prefectPolicy } from '../../support/vacuum.ts';

describe('the ledger', () => {
  let database: TestDatabase;
  const open: Database[] = [];

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async ({ close }) => close()));
    await database.drop();
  });

  const vacuumed = async (schema?: string, url = database.url): Promise<Database> => {
    const opened = await openVacuumed(url, schema);
    open.push(opened);
    return opened;
  };

  test('is made once by twenty workers that start together', async () => {
    const workers = await Promise.all(Array.from({ length: 20 }, async () => vacuumed()));
    await Promise.all(workers.map(async ({ ledger }) => ledger.migrate()));
    const names = await database.rows<{ name: string }>('select name from vacuum.migration');
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names.map(({ name }) => name)).size).toBe(names.length);
    expect(await workers[0]?.ledger.version()).toBe('current');
  });

  test('lives in the schema that it is told, with any name', async () => {
    const { ledger } = await vacuumed('our "odd" Schema');
    await ledger.migrate();
    expect(await ledger.version()).toBe('current');
    const tables = await database.rows<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'our "odd" Schema'`,
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['migration', 'run', 'pass', 'batch']),
    );
    expect(await readHistory(ledger, { limit: 10 })).toEqual([]);
  });

  test('makes no other database', async () => {
    const before = await database.rows('select datname from pg_database where datname not like $1', [
      'test_%',
    ]);
    const { ledger } = await vacuumed();
    await ledger.migrate();
    await readHistory(ledger, { limit: 1 });
    expect(
      await database.rows('select datname from pg_database where datname not like $1', ['test_%']),
    ).toEqual(before);
  });

  test('of a newer version is refused', async () => {
    await (await vacuumed()).ledger.migrate();
    await database.rows(`insert into vacuum.migration (name) values ('999-from-the-future')`);
    const later = await vacuumed();
    expect(await later.ledger.version()).toBe('newer');
    await expect(later.ledger.migrate()).rejects.toThrow('Upgrade temporal-vacuum');
  });

  test('that the role may not make is refused with what to do', async () => {
    await database.rows(
      `do $$ begin create role powerless login; exception when duplicate_object then null; end $$`,
    );
    const url = new URL(database.url);
    url.username = 'powerless';
    const { ledger } = await vacuumed(undefined, url.toString());
    await expect(ledger.migrate()).rejects.toThrow('temporal-vacuum ledger migrate');
  });

  test('holds one open run a policy', async () => {
    await (await vacuumed()).ledger.migrate();
    const insert = `insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings)
      values ('prefect', 'execute', 'running', 'w', 'r', 't', '{}')`;
    await database.rows(insert);
    await expect(database.rows(insert)).rejects.toMatchObject({ code: '23505', constraint: 'run_lease' });
  });

  test('keeps the totals when the batches of old runs are pruned', async () => {
    await new PrefectRows(database).run({ logs: 20, tasks: 2 });
    const report = await runEngine(database.url, prefectPolicy());
    const { ledger } = await vacuumed();
    await ledger.session.ledger.batches.prune();
    expect(await database.value('select count(*) from vacuum.batch')).toBeGreaterThan(0);
    await database.rows(
      `update vacuum.run set ended_at = now() - interval '8 days', started_at = now() - interval '8 days'`,
    );
    await ledger.session.ledger.batches.prune();
    expect(await database.value('select count(*) from vacuum.batch')).toBe(0);
    const pruned = await readReport(ledger, report.run ?? 0);
    expect(pruned).toMatchObject({ deleted: report.deleted, rows: report.rows, passes: report.passes });
  });

  test('keeps what was stored, with horizons', async () => {
    await runEngine(database.url, prefectPolicy({ retentionPeriod: '40 days' }));
    const days = await database.value<string>(
      `select round(extract(epoch from (r.started_at - (p.stored ->> 'horizon')::timestamptz)) / 86400)::text
       from vacuum.pass as p join vacuum.run as r on r.id = p.run_id where p.name = 'old-flow-runs'`,
    );
    expect(days).toBe('40');
  });
});
