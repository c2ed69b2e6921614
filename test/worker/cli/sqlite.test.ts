import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { createDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import { copyToSqlite } from '../../support/prefect/copy-to-sqlite.ts';
import { PrefectHome } from '../../support/prefect/home.ts';
import { PrefectRows } from '../../support/prefect/rows.ts';
import { migratePrefect } from '../../support/prefect/server.ts';
import type { TestFile } from '../../support/sqlite.ts';
import { createFile, openFile } from '../../support/sqlite.ts';

const MINUTES = 60_000;

describeNeeding(['temporal', 'prefect'], 'the commands on a SQLite file', () => {
  let filled: PrefectHome;
  let home: PrefectHome;
  let file: TestFile;

  beforeAll(async () => {
    filled = new PrefectHome();
    const path = join(filled.folder, 'prefect.db');
    await migratePrefect(filled, `sqlite+aiosqlite:///${path}`);
    const postgres = await createDatabase();
    const rows = new PrefectRows(postgres);
    for (let n = 0; n < 4; n += 1) await rows.run({ logs: 2, tasks: 1 });
    for (let n = 0; n < 8; n += 1) await rows.run({ logs: 2, tasks: 1, ended: '1 day' });
    const copied = openFile(path);
    await copyToSqlite(postgres, copied);
    copied.drop();
    await postgres.drop();
  }, 2 * MINUTES);
  afterAll(() => filled.remove());
  beforeEach(() => {
    home = new PrefectHome();
    const path = join(home.folder, 'prefect.db');
    cpSync(join(filled.folder, 'prefect.db'), path);
    file = openFile(path);
  });
  afterEach(() => {
    file.drop();
    home.remove();
  });

  test(
    'find the file of Prefect by themselves, preview, run once, and tell what they did',
    async () => {
      const env = { PREFECT_HOME: home.folder };
      const preview = await cli(['preview', 'prefect', '--json'], { env });
      expect(preview).toMatchObject({ code: 0 });
      expect(JSON.parse(preview.stdout)).toMatchObject({ policy: 'prefect' });
      const run = await cli(['run', 'prefect', '--set', 'enabled=true', '--execute', '--temporal', 'dev'], {
        env,
      });
      expect(run).toMatchObject({ code: 0 });
      expect(file.value('select count(*) from flow_run')).toBe(8);
      expect(file.value('select count(*) from log')).toBe(16);
      const history = await cli(['history', '--json', '--url', file.url]);
      expect(JSON.parse(history.stdout)).toMatchObject([{ policy: 'prefect', status: 'completed' }]);
      const doctor = await cli(['doctor', 'prefect', '--set', 'enabled=true'], { env });
      expect(doctor.stdout).toContain('SQLite 3.');
      expect(doctor.stdout).toMatch(/Mode full of reclaimSpace would need .* of free disk/);
      const id = file.rows<{ id: string }>('select id from flow_run limit 1')[0]?.id ?? '';
      const explain = await cli(['explain', 'FlowRun', id, '--preset', 'prefect'], { env });
      expect(explain).toMatchObject({ code: 0 });
      const held = await cli(['hold', 'add', 'FlowRun', id, '--reason', 'a claim', '--preset', 'prefect'], {
        env,
      });
      expect(held).toMatchObject({ code: 0 });
      const stats = await cli(['stats', '--preset', 'prefect'], { env });
      expect(stats).toMatchObject({ code: 0 });
    },
    3 * MINUTES,
  );

  test(
    'take rules of the preset about tags, and the maintenance that gives space back',
    async () => {
      const rule = JSON.stringify([{ tag: 'old', olderThan: '7 days' }]);
      const args = ['--url', file.url, '--set', `runRetention=${rule}`, '--json'];
      const preview = await cli(['preview', 'prefect', ...args]);
      expect(preview).toMatchObject({ code: 0 });
      expect(await cli(['preview', 'prefect-maintenance', '--url', file.url])).toMatchObject({ code: 0 });
      expect(file.value('select count(*) from flow_run')).toBe(12);
    },
    MINUTES,
  );
});

test('a URL of a database in memory is refused in one sentence', async () => {
  const refused = await cli(['preview', 'prefect', '--url', 'sqlite:///:memory:']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('it names no SQLite file');
});

test('a file in another journal mode is refused in one sentence', async () => {
  const file = createFile('pragma journal_mode = delete');
  const refused = await cli(['preview', 'prefect', '--url', file.url]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('the journal mode of the file is delete');
  file.drop();
});
