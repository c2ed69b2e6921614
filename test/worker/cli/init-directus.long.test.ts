import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { ApplicationDatabases, listAllRows } from '../../support/application-database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import { DIRECTUS, need, ROOT } from '../../support/parts/bring.ts';

const execute = promisify(execFile);
const APPLICATIONS = join(ROOT, 'test/support/applications');

describeNeeding(['temporal'], 'what init proposes for the database of Directus', () => {
  const databases = new ApplicationDatabases();
  beforeAll(async () => need(DIRECTUS), 600_000);
  afterEach(async () => databases.drop());

  test('deletes what its retention deletes, after at most ten edited lines', async () => {
    const directus = async ({ url }: TestDatabase, ...args: string[]): Promise<unknown> =>
      execute(process.execPath, args, {
        cwd: DIRECTUS.folder,
        env: {
          ...process.env,
          DB_CLIENT: 'pg',
          DB_CONNECTION_STRING: url,
          SECRET: 'for tests',
          TELEMETRY: 'false',
          RETENTION_ENABLED: 'true',
          ACTIVITY_RETENTION: '90d',
          FLOW_LOGS_RETENTION: '30d',
        },
        maxBuffer: 1 << 26,
      });
    const ours = await databases.open();
    await directus(ours, DIRECTUS.path, 'bootstrap');
    await ours.pool.query(readFileSync(join(APPLICATIONS, 'directus.sql'), 'utf8'));
    const theirs = await databases.copy(ours);
    await directus(theirs, join(APPLICATIONS, 'directus-retention.mjs'), DIRECTUS.folder);
    // Sessions that are over it deletes when somebody logs in, and notifications a person deletes.
    const others = [
      `delete from directus_sessions where expires < now() - interval '1 day'`,
      `delete from directus_notifications where status = 'archived' and timestamp < now() - interval '90 days'`,
    ];
    for (const statement of others) await theirs.rows(statement);

    const config = databases.propose(ours);
    await config.init();
    const activity = "  tableName: 'directus_activity',\n  properties: {\n";
    const pass = "      age: 'timestamp',\n      olderThan: '90 days',\n    }),";
    config.edit(
      [activity, `${activity}    action: p.text(),\n`],
      [
        pass,
        pass.replace(
          '    })',
          "      overrides: [{ where: { action: 'run' }, olderThan: '30 days' }],\n    })",
        ),
      ],
      ['  enabled: false,', '  enabled: true,'],
    );
    expect(await config.countEditedLines()).toBe(3);
    await config.compile();
    const preview = await config.preview();
    // Each fifth is a run of a flow, and each of create, update and run has a revision.
    expect(preview.deleted).toMatchObject({ directus_activity: 245, directus_revisions: 157 });
    expect(await config.run()).toMatchObject({ status: 'completed', deleted: preview.deleted });
    expect(await listAllRows(ours)).toEqual(await listAllRows(theirs));
  });
});
