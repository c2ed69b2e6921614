import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { cli } from '../support/cli.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { ROOT } from '../support/parts/bring.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import { temporalAddress } from '../support/temporal.ts';
import { Before } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

interface Report {
  readonly run: number | null;
  readonly status: string;
  readonly mode: string;
  readonly rows: number;
  readonly deleted: Record<string, number>;
  readonly passes: { readonly name: string; readonly rows: number }[];
}

const ENABLED = ['--set', 'enabled=true'];

let database: TestDatabase;
let rows: PrefectRows;

beforeEach(async () => {
  database = await createDatabase();
  rows = new PrefectRows(database);
});
afterEach(async () => database.drop());

const at = (): string[] => ['--url', database.url];

describe('preview', () => {
  test('counts by pass and table, deletes nothing, needs neither Temporal nor a ledger', async () => {
    await rows.run({ logs: 3, tasks: 1 });
    const { code, stdout } = await cli(['preview', 'prefect', ...at(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: 'prefect',
      rows: 10,
      deleted: { flow_run: 1, log: 3, task_run: 1, task_run_state: 3, flow_run_state: 2 },
    });
    expect(await database.value('select count(*) from flow_run')).toBe(1);
    expect(await database.value(`select count(*) from pg_namespace where nspname = 'vacuum'`)).toBe(0);
  });

  test('works for a role that may only read', async () => {
    await rows.run({ logs: 3 });
    await database.rows(`
      do $$ begin create role onlooker login; exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to onlooker`);
    const url = new URL(database.url);
    url.username = 'onlooker';
    const { code, stdout } = await cli(['preview', 'prefect', '--url', url.toString(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { flow_run: 1, log: 3 } });
    const run = await cli(['run', 'prefect', '--url', url.toString(), ...ENABLED, '--execute']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('the database role may not update, delete rows of entity FlowRun');
  });

  test('of one pass, as a table for people', async () => {
    await rows.run({ logs: 3 });
    await rows.logs('00000000-0000-4000-8000-00000000000a', 5, '3 days');
    const { code, stdout } = await cli(['preview', 'prefect', ...at(), '--pass', 'orphaned-logs']);
    expect(code).toBe(0);
    expect(stdout).toContain('5 rows would go, nothing was deleted');
    expect(stdout).not.toContain('old-flow-runs');
  });
});

describeNeeding(['temporal'], 'run', () => {
  test('previews without --execute, deletes with it, and history tells both', async () => {
    await rows.run({ logs: 3, tasks: 1, artifacts: ['a'] });
    await rows.run({ logs: 3, ended: '2 days' });
    const before = await Before.of(database);
    const previewed = await cli(['run', 'prefect', ...at(), ...ENABLED, '--temporal', 'dev', '--json']);
    expect(previewed.code).toBe(0);
    const preview = JSON.parse(previewed.stdout) as Report;
    expect(preview).toMatchObject({ mode: 'preview', status: 'completed', run: 1 });
    expect(await database.value('select count(*) from flow_run')).toBe(2);

    const executed = await cli([
      'run',
      'prefect',
      ...at(),
      ...ENABLED,
      '--execute',
      '--temporal',
      'dev',
      '--json',
    ]);
    expect({ code: executed.code, stderr: executed.stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(executed.stdout) as Report;
    expect(report.deleted).toEqual(preview.deleted);
    expect(Object.keys(report).toSorted()).toEqual([
      'deleted',
      'endedAt',
      'longestTransactionMillis',
      'millis',
      'mode',
      'passes',
      'policy',
      'reasons',
      'rows',
      'run',
      'startedAt',
      'status',
    ]);
    expect(Object.keys(report.passes[0] ?? {}).toSorted()).toEqual([
      'batches',
      'deleted',
      'error',
      'kind',
      'millis',
      'moved',
      'name',
      'rows',
      'shards',
      'skipped',
      'status',
      'strategy',
    ]);
    await before.expectRightRows();

    const history = await cli(['history', ...at(), '--json']);
    expect(JSON.parse(history.stdout)).toEqual([report, preview]);
    const one = await cli(['history', '2', ...at(), '--json']);
    expect(JSON.parse(one.stdout)).toEqual([report]);
    const text = await cli(['history', '2', ...at()]);
    expect(text.stdout).toContain('run 2 of policy prefect: completed');
  });

  test('on a Temporal that is there, of one pass', async () => {
    await rows.run({ logs: 3 });
    await rows.logs('00000000-0000-4000-8000-00000000000a', 5, '3 days');
    const args = ['run', 'prefect', ...at(), ...ENABLED, '--execute', '--pass', 'orphaned-logs', '--json'];
    const { code, stdout } = await cli([...args, '--temporal', temporalAddress()]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { log: 5 } });
    expect(await database.value('select count(*) from log')).toBe(3);
  });

  test('of a policy that is not enabled ends with code 4 and deletes nothing', async () => {
    await rows.run({ logs: 3 });
    const args = ['run', 'prefect', ...at(), '--execute', '--temporal', temporalAddress(), '--json'];
    const { code, stdout } = await cli(args);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'disabled', run: null, deleted: {}, passes: [] });
    expect(await database.value('select count(*) from flow_run')).toBe(1);
  });

  test('shows progress in plain lines where there is no terminal, and a table at the end', async () => {
    await rows.run({ logs: 3 });
    const args = ['run', 'prefect', ...at(), ...ENABLED, '--execute', '--temporal', temporalAddress()];
    const { code, stdout } = await cli(args, { env: { NO_COLOR: '1' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/run 1 of policy prefect: completed, 6 rows deleted in/);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b\[/);
  });

  test('ends after its batch at Ctrl-C, accounted for, with code 5; the next goes on', async () => {
    await database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 3000)`,
    );
    const args = [
      'run',
      'prefect',
      ...at(),
      ...ENABLED,
      '--set',
      'batchSize=10',
      '--set',
      'batchPause=20ms',
      '--json',
    ];
    let child: ChildProcess | undefined;
    const running = cli([...args, '--execute', '--temporal', 'dev'], {
      onStart: (started) => (child = started),
    });
    await waitFor('some batches', async () =>
      database.value('select count(*) > 5 from vacuum.batch').catch(() => false),
    );
    child?.kill('SIGINT');
    const { code, stdout } = await running;
    expect(code).toBe(5);
    const report = JSON.parse(stdout) as Report;
    expect(report.status).toBe('cancelled');
    expect(report.deleted['log']).toBe(3000 - (await database.value('select count(*) from log')));
    const next = await cli([
      'run',
      'prefect',
      ...at(),
      ...ENABLED,
      '--execute',
      '--temporal',
      'dev',
      '--json',
    ]);
    expect(next.code).toBe(0);
    expect(await database.value('select count(*) from log')).toBe(0);
  });

  test('killed with its own Temporal leaves no process, and the next run takes its place', async () => {
    await database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 3000)`,
    );
    const args = ['run', 'prefect', ...at(), ...ENABLED, '--execute', '--temporal', 'dev', '--json'];
    let child: ChildProcess | undefined;
    const slow = ['--set', 'batchSize=10', '--set', 'batchPause=20ms'];
    const running = cli([...args, ...slow], { onStart: (started) => (child = started) });
    await waitFor('some batches', async () =>
      database.value('select count(*) > 5 from vacuum.batch').catch(() => false),
    );
    child?.kill('SIGKILL');
    await running;
    await waitFor('its sessions to end', async () => {
      const sessions = await database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [database.name],
      );
      return sessions === 0;
    });
    const next = await cli(args);
    expect(next.code).toBe(0);
    expect(await database.value('select count(*) from log')).toBe(0);
    const states = await database.rows('select state from vacuum.run order by id');
    expect(states).toEqual([{ state: 'terminated' }, { state: 'completed' }]);
    expect(await database.value('select sum(rows) from vacuum.pass')).toBe(3000);
  });
});

describe('bad input', () => {
  const refused = async (args: string[], ...says: string[]): Promise<void> => {
    const { code, stderr, stdout } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const text of says) expect(stderr).toContain(text);
  };

  test('an unknown policy', async () => {
    await refused(['run', 'nobody', ...at()], 'there is no policy "nobody"', 'prefect');
  });

  test('two unknown passes', async () => {
    const args = ['run', 'prefect', ...at(), '--execute', '--pass', 'one', '--pass', 'two'];
    await refused(args, '2 mistakes', 'names "one"', 'names "two"');
  });

  test('settings that cannot be used, all at once', async () => {
    const sets = ['retentionPeriod=3600', 'batchSize=-1', 'loopSeconds=often', 'nothing=1', 'novalue'];
    const args = ['preview', 'prefect', ...at(), ...sets.slice(0, 4).flatMap((pair) => ['--set', pair])];
    await refused(args, '4 mistakes', 'retentionPeriod', 'batchSize', 'loopSeconds', 'nothing');
    await refused(['preview', 'prefect', ...at(), '--set', 'novalue'], '--set novalue');
  });

  test('a database that is not Prefect’s', async () => {
    const url = new URL(database.url);
    url.pathname = '/postgres';
    await refused(
      ['run', 'prefect', '--url', url.toString(), ...ENABLED, '--execute'],
      'table flow_run is missing',
      'table log is missing',
      'nothing was deleted',
    );
  });

  test('a database that does not answer, without the password', async () => {
    const url = 'postgresql://me:topsecret@127.0.0.1:1/none';
    const { code, stderr } = await cli(['run', 'prefect', '--url', url, '--execute']);
    expect(code).toBe(3);
    expect(stderr).toContain('cannot work with none at 127.0.0.1:1');
    expect(stderr).not.toContain('topsecret');
  });

  test.each([
    ['sqlite+aiosqlite:////tmp/prefect.db', 'SQLite'],
    ['mysql://x', 'no PostgreSQL URL'],
  ])('the URL %s', async (url, says) => {
    await refused(['preview', 'prefect', '--url', url], says);
  });

  test('a Temporal that does not answer', async () => {
    const { code, stderr } = await cli(['run', 'prefect', ...at(), '--temporal', '127.0.0.1:1']);
    expect(code).toBe(3);
    expect(stderr).toContain('Temporal at 127.0.0.1:1 does not answer');
  });

  test('an unknown option', async () => {
    await refused(['run', 'prefect', '--force'], "unknown option '--force'");
  });
});

describe('where the database comes from', () => {
  test.each([
    'VACUUM_DATABASE_URL',
    'PREFECT_SERVER_DATABASE_CONNECTION_URL',
    'PREFECT_API_DATABASE_CONNECTION_URL',
    'PREFECT_DB_URL_SYNC',
  ])('%s', async (name) => {
    const url = database.url.replace(
      'postgresql:',
      name.includes('SYNC') ? 'postgresql+psycopg2:' : 'postgresql+asyncpg:',
    );
    const { code } = await cli(['preview', 'prefect', '--json'], { env: { [name]: url } });
    expect(code).toBe(0);
  });

  test('a configuration file with policies of one’s own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-config-'));
    writeFileSync(
      join(folder, 'vacuum.config.ts'),
      `import { defineConfig } from '${join(ROOT, 'worker/config.ts')}';
       import { prefect } from '${join(ROOT, 'index.ts')}';
       export default defineConfig({
         databases: { main: () => process.env['MY_DATABASE'] ?? '' },
         policies: [prefect({ enabled: true, retentionPeriod: '2 days' })],
       });`,
    );
    await rows.run({ ended: '3 days' });
    const { code, stdout } = await cli(['preview', '--json'], {
      cwd: folder,
      env: { MY_DATABASE: database.url },
    });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { flow_run: 1 } });
  });
});

describe('doctor', () => {
  interface Finding {
    readonly about: string;
    readonly state: string;
    readonly what: string;
    readonly fix?: string;
  }
  const examine = async (
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; findings: Finding[] }> => {
    const { code, stdout } = await cli(
      ['doctor', 'prefect', ...at(), '--address', temporalAddress(), '--json'],
      { env },
    );
    return { code, findings: JSON.parse(stdout) as Finding[] };
  };

  test('finds a healthy database healthy', async () => {
    const { code, findings } = await examine();
    expect(code).toBe(0);
    expect(findings.filter((finding) => finding.state === 'problem')).toEqual([]);
    expect(findings.map((finding) => finding.about)).toEqual(
      expect.arrayContaining([
        'connection',
        'policy',
        'indexes',
        'ledger',
        'Temporal',
        'schedule',
        "Prefect's own vacuum",
      ]),
    );
  });

  test('says which index is missing or invalid, with the statement that helps', async () => {
    await database.rows('drop index ix_log__flow_run_id; drop index ix_log__flow_run_id_timestamp');
    await database.rows(
      'drop index ix_task_run__flow_run_id; drop index uq_task_run__flow_run_id_task_key_dynamic_key',
    );
    await database.rows(
      `update pg_index set indisvalid = false where indexrelid = 'ix_flow_run__end_time_desc'::regclass`,
    );
    const { code, findings } = await examine();
    expect(code).toBe(0);
    const fixes = findings.map((finding) => finding.fix).filter((fix) => fix !== undefined);
    expect(fixes).toEqual(
      expect.arrayContaining([
        'create index concurrently on "public"."log" ("flow_run_id");',
        'create index concurrently on "public"."task_run" ("flow_run_id");',
        'reindex index concurrently "ix_flow_run__end_time_desc";',
      ]),
    );
    await database.rows(fixes.find((fix) => fix.startsWith('create')) ?? 'select no fix');
  });

  test('finds a missing table a problem', async () => {
    await database.rows('drop table artifact_collection');
    const { code, findings } = await examine();
    expect(code).toBe(1);
    expect(findings.find((finding) => finding.state === 'problem')?.what).toContain(
      'artifact_collection is missing',
    );
  });

  test('says that Prefect’s own vacuum is on as well', async () => {
    const { findings } = await examine({ PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'events,flow_runs' });
    expect(findings.find((finding) => finding.about === "Prefect's own vacuum")?.state).toBe('advice');
  });
});

describe('ledger migrate', () => {
  test('makes the ledger once', async () => {
    const first = await cli(['ledger', 'migrate', ...at(), '--json']);
    expect(JSON.parse(first.stdout)).toEqual({ schema: 'vacuum', before: 'missing', now: 'current' });
    const second = await cli(['ledger', 'migrate', ...at()]);
    expect(second.stdout).toContain('the ledger in schema vacuum is current');
  });
});
