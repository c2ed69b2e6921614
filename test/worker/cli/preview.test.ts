import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { keys, Pictures } from '../../support/pictures.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const ENABLED = ['--set', 'enabled=true'];

const fresh = FreshPrefect.forEach();

describe('preview', () => {
  test('counts by pass and table, deletes nothing, needs neither Temporal nor a ledger', async () => {
    await fresh.rows.run({ logs: 3, tasks: 1 });
    const { code, stdout } = await cli(['preview', 'prefect', ...fresh.at(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: 'prefect',
      rows: 10,
      deleted: { flow_run: 1, log: 3, task_run: 1, task_run_state: 3, flow_run_state: 2 },
    });
    expect(await fresh.database.value('select count(*) from flow_run')).toBe(1);
    expect(await fresh.database.value(`select count(*) from pg_namespace where nspname = 'vacuum'`)).toBe(0);
  });

  test('works for a role that may only read', async () => {
    await fresh.rows.run({ logs: 3 });
    await fresh.database.rows(`
      do $$ begin create role onlooker login; exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to onlooker`);
    const url = new URL(fresh.database.url);
    url.username = 'onlooker';
    const { code, stdout } = await cli(['preview', 'prefect', '--url', url.toString(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { flow_run: 1, log: 3 } });
    const run = await cli(['run', 'prefect', '--url', url.toString(), ...ENABLED, '--execute']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('the database role may not update, delete rows of entity FlowRun');
  });

  test('hides passes that would delete nothing, unless details are asked for', async () => {
    await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 1, '3 days');
    const { stdout } = await cli(['preview', 'prefect', ...fresh.at()]);
    expect(stdout).toContain('1 row would go');
    expect(stdout).toMatch(/\n\d+ passes would delete nothing: [\w-]+, [\w-]+, [\w-]+ and \d+ more\n/);
    expect(stdout.split('\n').length).toBeLessThan(15);
    const details = await cli(['preview', 'prefect', ...fresh.at(), '--details']);
    expect(details.stdout).toMatch(/pass +scan +shards +rows +moved +from \(UTC\) +to \(UTC\)\n/);
    expect(details.stdout).toMatch(/old-flow-runs +\S+ +\d+ +0/);
  });

  test('of one pass, as a table for people', async () => {
    await fresh.rows.run({ logs: 3 });
    await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 5, '3 days');
    const { code, stdout } = await cli(['preview', 'prefect', ...fresh.at(), '--pass', 'orphaned-logs']);
    expect(code).toBe(0);
    expect(stdout).toContain('5 rows would go, nothing was deleted');
    expect(stdout).not.toContain('old-flow-runs');
    expect(stdout).toMatch(/pass +rows +from \(UTC\) +to \(UTC\)\n/);
    expect(stdout).toMatch(/orphaned-logs +5 +\d{4}-\d\d-\d\d \d\d:\d\d +\d{4}-\d\d-\d\d \d\d:\d\d\n/);
    // Lines of tables fit a terminal of 80 characters; sentences may wrap.
    const wide = stdout.split('\n').filter((line) => line.startsWith(' ') && line.length > 80);
    expect(wide).toEqual([]);
    expect(stdout).toMatch(/table +rows that would go +bytes, about *\n *log +5 +\d[\d.]* (B|KiB)/);
  });

  test('says in its first line how many files would go, and calls no pass idle that removes some', async () => {
    const pictures = await Pictures.create();
    for (const key of keys(6)) pictures.write(key);
    await pictures.add(0, keys(4));
    const { stdout } = await cli(['preview', '--config', join(ROOT, 'test/support/strays.config.ts')], {
      env: { TEST_DATABASE_URL: pictures.database.url, TEST_PICTURES: pictures.folder },
    });
    expect(stdout).toMatch(/^preview of policy \S+: 0 rows and 2 files would go, nothing was deleted\n/);
    expect(stdout).toContain('strays: 2 files would go, 20 B');
    expect(stdout).not.toContain('would delete nothing');
    await pictures.drop();
  });
});
