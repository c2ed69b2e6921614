import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

import { expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';

import { cli } from '../../support/cli.ts';
import { describeNeeding } from '../../support/needing.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { temporalAddress } from '../../support/temporal.ts';
import { Before } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

interface Report {
  readonly run: number | null;
  readonly status: string;
  readonly mode: string;
  readonly rows: number;
  readonly deleted: Record<string, number>;
  readonly passes: { readonly name: string; readonly rows: number }[];
}

// Most of a table may go here, as the tests want it.
const ENABLED = ['--set', 'enabled=true', '--set', 'maxPercent=100'];

const fresh = FreshPrefect.forEach();

/** A run that deletes, with a Temporal of its own, for programs that read its answer. */
function executing(): string[] {
  return ['run', 'prefect', ...fresh.at(), ...ENABLED, '--execute', '--temporal', 'dev', '--json'];
}

describeNeeding(['temporal'], 'run', () => {
  test('previews without --execute, deletes with it, and history tells both', async () => {
    await fresh.rows.run({ logs: 3, tasks: 1, artifacts: ['a'] });
    await fresh.rows.run({ logs: 3, ended: '2 days' });
    const before = await Before.of(fresh.database);
    const previewed = await cli(['run', 'prefect', ...fresh.at(), ...ENABLED, '--temporal', 'dev', '--json']);
    expect(previewed.code).toBe(0);
    const preview = JSON.parse(previewed.stdout) as Report;
    expect(preview).toMatchObject({ mode: 'preview', status: 'completed', run: 1 });
    expect(await fresh.database.value('select count(*) from flow_run')).toBe(2);

    const executed = await cli(executing());
    expect({ code: executed.code, stderr: executed.stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(executed.stdout) as Report;
    expect(report.deleted).toEqual(preview.deleted);
    expect(Object.keys(report).toSorted()).toEqual([
      'bytes',
      'deleted',
      'endedAt',
      'files',
      'longestTransactionMillis',
      'millis',
      'mode',
      'notes',
      'passes',
      'policy',
      'reasons',
      'rows',
      'run',
      'sizes',
      'spaceReclaimed',
      'startedAt',
      'status',
    ]);
    expect(Object.keys(report.passes[0] ?? {}).toSorted()).toEqual([
      'backlog',
      'batches',
      'blocked',
      'bytes',
      'deleted',
      'error',
      'files',
      'held',
      'horizon',
      'kind',
      'millis',
      'moved',
      'name',
      'reported',
      'rows',
      'scan',
      'shards',
      'skipped',
      'status',
    ]);
    await before.expectRightRows();

    const history = await cli(['history', ...fresh.at(), '--json']);
    const ended = { state: 'completed', stateReason: null };
    expect(JSON.parse(history.stdout)).toEqual([
      { ...report, ...ended },
      { ...preview, ...ended },
    ]);
    const one = await cli(['history', '2', ...fresh.at(), '--json']);
    expect(JSON.parse(one.stdout)).toEqual([{ ...report, ...ended }]);
    const text = await cli(['history', '2', ...fresh.at()]);
    expect(text.stdout).toContain('run 2 of policy prefect: completed');
  });

  test('on a Temporal that is there, of one pass', async () => {
    await fresh.rows.run({ logs: 3 });
    await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 5, '3 days');
    const args = [
      'run',
      'prefect',
      ...fresh.at(),
      ...ENABLED,
      '--execute',
      '--pass',
      'orphaned-logs',
      '--json',
    ];
    const { code, stdout } = await cli([...args, '--temporal', temporalAddress()]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: { log: 5 } });
    expect(await fresh.database.value('select count(*) from log')).toBe(3);
  });

  test('of a policy that is not enabled ends with code 4 and deletes nothing', async () => {
    await fresh.rows.run({ logs: 3 });
    const args = ['run', 'prefect', ...fresh.at(), '--execute', '--temporal', temporalAddress(), '--json'];
    const { code, stdout } = await cli(args);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'disabled',
      run: null,
      deleted: {},
      passes: [],
      reasons: [expect.stringContaining('`--set enabled=true`')],
    });
    expect(await fresh.database.value('select count(*) from flow_run')).toBe(1);
  });

  test('shows progress in plain lines where there is no terminal, and a table at the end', async () => {
    await fresh.rows.run({ logs: 3 });
    const args = ['run', 'prefect', ...fresh.at(), ...ENABLED, '--execute', '--temporal', temporalAddress()];
    const { code, stdout } = await cli(args, { env: { NO_COLOR: '1' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/run 1 of policy prefect: completed, 6 rows deleted in/);
    expect(stdout).toMatch(/\d+ passes had nothing to do: /);
    expect(stdout).not.toContain('rows older than');
    expect(stdout).not.toMatch(/\b1 rows|:,|± /);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b\[/);
    const history = await cli(['history', ...fresh.at()]);
    expect(history.stdout).toMatch(/\npolicy prefect: run 1 completed [\d.]+\w+.* ago\n$/);
  });

  test('ends after its batch at Ctrl-C, accounted for, with code 5; the next goes on', async () => {
    await fresh.database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 3000)`,
    );
    const args = [
      'run',
      'prefect',
      ...fresh.at(),
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
    // Enough that the next run, of all that is left, is no sudden growth.
    await waitFor('some batches', async () =>
      fresh.database.value('select sum(rows) > 300 from vacuum.batch').catch(() => false),
    );
    child?.kill('SIGINT');
    const { code, stdout } = await running;
    expect(code).toBe(5);
    const report = JSON.parse(stdout) as Report;
    expect(report.status).toBe('cancelled');
    expect(report.deleted['log']).toBe(3000 - (await fresh.database.value('select count(*) from log')));
    const next = await cli(executing());
    expect(next.code).toBe(0);
    expect(await fresh.database.value('select count(*) from log')).toBe(0);
  });

  test('its own Temporal has nothing of the settings for another one', async () => {
    await fresh.rows.run({ logs: 2 });
    const args = executing();
    const { code, stdout } = await cli(args, {
      env: { TEMPORAL_TLS: 'true', TEMPORAL_API_KEY: 'secret', TEMPORAL_NAMESPACE: 'of-the-cloud' },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', deleted: { flow_run: 1 } });
  });

  test('without the program that brings a Temporal says how to get it', async () => {
    const args = ['run', 'prefect', ...fresh.at(), ...ENABLED, '--execute', '--temporal', 'dev'];
    const { code, stderr } = await cli(args, {
      cwd: tmpdir(),
      env: { TEMPORAL_CLI: '', PATH: '/usr/bin:/bin' },
    });
    expect(code).toBe(2);
    expect(stderr).toContain('the dev server needs the Temporal CLI, which is missing. Install it');
  });

  test('killed with its own Temporal leaves no process, and the next run takes its place', async () => {
    await fresh.database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 3000)`,
    );
    const args = executing();
    let child: ChildProcess | undefined;
    const slow = ['--set', 'batchSize=10', '--set', 'batchPause=20ms'];
    const running = cli([...args, ...slow], { onStart: (started) => (child = started) });
    await waitFor('some batches', async () =>
      fresh.database.value('select count(*) > 5 from vacuum.batch').catch(() => false),
    );
    const started = listDescendants(child?.pid ?? 0);
    expect(started.length).toBeGreaterThan(1);
    child?.kill('SIGKILL');
    await running;
    await waitFor('its Temporal server to end', async () => !started.some(isAlive));
    await waitFor('its sessions to end', async () => {
      const sessions = await fresh.database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [fresh.database.name],
      );
      return sessions === 0;
    });
    const next = await cli(args);
    expect(next.code).toBe(0);
    expect(await fresh.database.value('select count(*) from log')).toBe(0);
    const states = await fresh.database.rows('select status from vacuum.run order by id');
    expect(states).toEqual([{ status: 'terminated' }, { status: 'completed' }]);
    expect(await fresh.database.value('select sum(rows) from vacuum.pass')).toBe(3000);
  });
});

describeNeeding(['temporal'], 'run on a Temporal that lives on', () => {
  test('keeps others out while it lives; killed, its place is taken and its workflow is terminated', async () => {
    await fresh.database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 3000)`,
    );
    const args = ['run', 'prefect', ...fresh.at(), ...ENABLED, '--execute', '--temporal', temporalAddress()];
    let child: ChildProcess | undefined;
    const slow = ['--set', 'batchSize=10', '--set', 'batchPause=20ms'];
    const running = cli([...args, ...slow], { onStart: (started) => (child = started) });
    await waitFor('some batches', async () =>
      fresh.database.value('select count(*) > 5 from vacuum.batch').catch(() => false),
    );
    expect((await cli(args)).code).toBe(4);
    child?.kill('SIGKILL');
    await running;
    await waitFor('its sessions to end', async () => {
      const sessions = await fresh.database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [fresh.database.name],
      );
      return sessions === 0;
    });
    const next = await cli(args);
    expect({ code: next.code, stderr: next.stderr }).toMatchObject({ code: 0 });
    expect(await fresh.database.value('select count(*) from log')).toBe(0);
    const runs = await fresh.database.rows<{ status: string; workflow_id: string }>(
      'select status, workflow_id from vacuum.run order by id',
    );
    expect(runs.map(({ status }) => status)).toEqual(['terminated', 'completed']);
    const connection = await Connection.connect({ address: temporalAddress() });
    try {
      const handle = new Client({ connection }).workflow.getHandle(runs[0]?.workflow_id ?? '');
      expect((await handle.describe()).status.name).toBe('TERMINATED');
    } finally {
      await connection.close();
    }
  });
});

/** The processes that a process started, and those that these started. */
function listDescendants(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  const children = stdout.split('\n').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(listDescendants)];
}

/** Whether a process runs; one that ended and that nobody asked for has no command line any more. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}
