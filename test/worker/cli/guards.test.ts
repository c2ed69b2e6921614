import { afterAll, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { describeNeeding } from '../../support/needing.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { createOn, restoreContents } from '../../support/postgres/restore.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { temporalAddress, TemporalSession } from '../../support/temporal.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const fresh = FreshPrefect.forEach();

describeNeeding(['temporal'], 'a guard', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  const logs = async (): Promise<number> => fresh.database.value('select count(*) from log');

  async function addLostLogs(): Promise<void> {
    await fresh.database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 1000)`,
    );
  }

  async function addLogsOfToday(): Promise<void> {
    await fresh.database.rows(
      `insert into log (name, level, message, timestamp) select 'x', 20, 'x', now() from generate_series(1, 250)`,
    );
  }

  function running(...more: string[]): string[] {
    const args = ['run', 'prefect', ...fresh.at(), '--set', 'enabled=true', '--execute'];
    return [...args, '--temporal', temporalAddress(), ...more];
  }

  const preview = async (): ReturnType<typeof cli> => cli(['preview', 'prefect', ...fresh.at(), '--json']);

  test('stops the first run of a neglected database, which a preview lets go ahead', async () => {
    await addLostLogs();
    const early = await preview();
    expect(early.stderr).toContain('not kept in the ledger, which this database does not have yet');

    const stopped = await cli(running());
    expect(stopped.code).toBe(6);
    expect(stopped.stdout).toContain(
      'limit maxPercent 50: 100 % of entity Log would be deleted, 1,000 of 1,000',
    );
    expect(stopped.stdout).toContain('`temporal-vacuum preview prefect`');
    expect(stopped.stderr).toContain(
      'temporal-vacuum preview prefect --url THE_SAME_URL --set enabled=true\n',
    );
    expect(await logs()).toBe(1000);
    const listed = await cli(['history', ...fresh.at()]);
    expect(listed.stdout).toMatch(/ execute +stopped by a guard /);
    expect(listed.stdout).toContain('\npolicy prefect: none of these runs completed\n');

    const kept = await preview();
    expect({ code: kept.code, stderr: kept.stderr }).toEqual({ code: 0, stderr: '' });
    const done = await cli(running('--json'));
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'completed', deleted: { log: 1000 } });
    const history = await cli(['history', ...fresh.at(), '--json']);
    const runs = JSON.parse(history.stdout) as { mode: string; status: string; rows: number }[];
    expect(runs.map(({ mode, status, rows }) => [mode, status, rows])).toEqual([
      ['execute', 'completed', 1000],
      ['preview', 'completed', 1000],
      ['execute', 'stopped-by-guard', 0],
    ]);
  });

  test('lets through what run is told to allow, to the percent', async () => {
    await addLostLogs();
    await addLogsOfToday();
    const wrong = await cli(running('--allow-percent', '101'));
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('It is no number from 0 to 100');
    expect((await cli(running('--allow-percent', '79'))).code).toBe(6);
    expect(await logs()).toBe(1250);
    expect((await cli(running('--allow-percent', '80'))).code).toBe(0);
    expect(await logs()).toBe(250);
  });

  test('lets through what a worker is told to allow, to the percent', async () => {
    await addLostLogs();
    await addLogsOfToday();
    const outcome = async (percent: string): Promise<unknown> => {
      const taskQueue = session.queue();
      const allowed = { settings: { maxPercent: 50 }, flags: ['--allow-percent', percent] };
      const worker = await startWorkerProcess({ url: fresh.database.url, taskQueue, ...allowed });
      try {
        return await (await session.start(taskQueue)).result();
      } finally {
        await worker.end();
      }
    };
    await expect(outcome('79')).rejects.toMatchObject({
      cause: { type: 'VacuumGuard', message: expect.stringContaining('--allow-percent 80') },
    });
    expect(await logs()).toBe(1250);
    expect(await outcome('80')).toMatchObject({ status: 'completed', rows: 1000 });
    expect(await logs()).toBe(250);
  });

  test('blocks a database that was restored on another server, until acknowledge', async () => {
    expect((await cli(running())).code).toBe(0);
    await fresh.rows.logs('00000000-0000-4000-8000-00000000000a', 5, '3 days');
    const cluster = await startCluster({ ownIdentity: true });
    try {
      const restored = await createOn(cluster);
      const at = ['--url', restored.url];
      await restoreContents(fresh.database, restored, ['log']);
      const left = async (): Promise<number> => restored.value('select count(*) from log');
      const run = async (): ReturnType<typeof cli> =>
        cli(running().map((word) => (word === fresh.database.url ? restored.url : word)));

      const stopped = await run();
      expect(stopped.code).toBe(6);
      expect(stopped.stdout).toContain('on another server than at the last run, as after restoring a backup');
      expect(await left()).toBe(5);
      const doctor = await cli(['doctor', 'prefect', ...at]);
      expect(doctor.stdout).toMatch(/policy prefect is blocked since \d{4}-\d\d-\d\d \d\d:\d\d UTC: /);
      expect((await run()).stdout).toMatch(/it is blocked since \d{4}-\d\d-\d\d \d\d:\d\d UTC: /);
      const other = await cli(['acknowledge', 'other', ...at]);
      expect(other.stdout).toContain('policy other is not blocked');
      const acknowledged = await cli(['acknowledge', 'prefect', ...at]);
      expect(acknowledged.stdout).toContain('policy prefect is no longer blocked');
      const again = await cli(['acknowledge', ...at, '--json']);
      expect(JSON.parse(again.stdout)).toEqual([]);
      expect((await run()).code).toBe(0);
      expect(await left()).toBe(0);
      expect(await logs()).toBe(5);
      await restored.drop();
    } finally {
      await cluster.destroy();
    }
  });
});
