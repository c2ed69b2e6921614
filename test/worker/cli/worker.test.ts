import { afterAll, expect, test } from '@jest/globals';

import { BUNDLE_VARIABLE } from '../../support/made-bundle.ts';
import { describeNeeding } from '../../support/needing.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const fresh = FreshPrefect.forEach();

describeNeeding(['temporal'], 'worker', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test('says at its start what runs would fail with, and makes nothing in a database that is not Prefect’s', async () => {
    await fresh.database.rows('drop table flow_run, artifact cascade');
    const taskQueue = session.queue();
    // It bundles the workflow, as it does where nobody has done so before.
    const env = { [BUNDLE_VARIABLE]: '' };
    const worker = await startWorkerProcess({ url: fresh.database.url, taskQueue, env });
    try {
      expect(worker.output).toContain('runs of policy prefect will fail until this is corrected');
      expect(worker.output).toContain('table flow_run is missing');
      expect(worker.output).toContain('table artifact is missing');
      const failed = (await session.start(taskQueue)).result();
      await expect(failed).rejects.toMatchObject({ cause: { type: 'VacuumInvalidInput' } });
      expect(await fresh.database.value(`select count(*) from pg_namespace where nspname = 'vacuum'`)).toBe(
        0,
      );
    } finally {
      await worker.end();
    }
  });

  test('works for the policy that is named, and says how to enable one that is not', async () => {
    const taskQueue = session.queue();
    const flags = ['prefect-maintenance', '--apply-schedules', '--set', 'enabled=false'];
    const worker = await startWorkerProcess({ url: fresh.database.url, taskQueue, bare: true, flags });
    try {
      expect(worker.output).toMatch(/^working on .*: prefect-maintenance$/m);
      expect(worker.output).toContain('policy prefect-maintenance is not enabled');
      expect(worker.output).toContain('schedule vacuum-prefect-maintenance is not applied, because');
      expect(worker.output).toContain('--set enabled=true');
    } finally {
      await worker.end();
    }
  });

  test('applies the schedules of its policies, and none of another task queue', async () => {
    const taskQueue = session.queue();
    const flags = ['--apply-schedules'];
    const config = 'test/support/http/vacuum.config.ts';
    const env = { TEST_POLICY: `applied-${taskQueue}` };
    const client = await session.client();
    const handle = client.schedule.getHandle(`vacuum-${env.TEST_POLICY}`);
    const worker = await startWorkerProcess({ url: fresh.database.url, taskQueue, config, env, flags });
    try {
      expect(worker.output).toContain(
        `schedule ${handle.scheduleId} created: at 0 3 * * * in UTC, on task queue ${taskQueue}`,
      );
      expect(worker.output).toContain(`policy ${env.TEST_POLICY}-idle has no schedule`);
      expect((await handle.describe()).action.taskQueue).toBe(taskQueue);
      const options = { config, env, flags, url: fresh.database.url };
      await expect(startWorkerProcess({ ...options, taskQueue: session.queue() })).rejects.toThrow(
        `it starts its runs on task queue ${taskQueue}`,
      );
      expect((await handle.describe()).action.taskQueue).toBe(taskQueue);
    } finally {
      await worker.end();
      await handle.delete();
    }
  });

  test('logs a line at the begin and the end of each run and pass, with the reason in full', async () => {
    await fresh.rows.run({ logs: 3 });
    const taskQueue = session.queue();
    const worker = await startWorkerProcess({ url: fresh.database.url, taskQueue });
    try {
      await (await session.start(taskQueue)).result();
      await waitFor('the last line', async () => /run 1 of policy prefect completed/.test(worker.output));
      expect(worker.output).toMatch(/ INFO run 1 of policy prefect begins: \d+ passes\n/);
      expect(worker.output).toMatch(/ INFO run 1 of policy prefect: pass old-flow-runs begins\n/);
      expect(worker.output).toMatch(
        / INFO run 1 of policy prefect: pass old-flow-runs completed: \d+ rows in [\d.]+ s\n/,
      );
      expect(worker.output).toMatch(/ INFO run 1 of policy prefect completed: 6 rows in [\d.]+ s\n/);
      expect(worker.output).not.toMatch(/\n\s+at | at \S.*:\d+:\d+|webpack|Worker state/);
    } finally {
      await worker.end();
    }
  });

  test('logs JSON with fields for log shippers, and why a guard stopped a run', async () => {
    await fresh.database.rows(
      `insert into log (name, level, flow_run_id, message, timestamp)
       select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 1000)`,
    );
    const taskQueue = session.queue();
    const worker = await startWorkerProcess({
      url: fresh.database.url,
      taskQueue,
      settings: { maxPercent: 50 },
      flags: ['--log-format', 'json'],
    });
    try {
      await expect((await session.start(taskQueue, { policy: 'prefect' })).result()).rejects.toMatchObject({
        cause: { type: 'VacuumGuard' },
      });
      const entries = (): Record<string, unknown>[] =>
        worker.output
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      await waitFor('the last line', async () => entries().some(({ type }) => type === 'VacuumGuard'));
      expect(entries().find(({ type }) => type === 'VacuumGuard')).toMatchObject({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        level: 'WARN',
        policy: 'prefect',
        status: 'stopped-by-guard',
        workflowId: expect.any(String),
        message: expect.stringMatching(/^run \d+ of policy prefect was stopped by a guard: /),
        reasons: [expect.stringContaining('100 % of entity Log would be deleted')],
      });
      expect(worker.output).not.toMatch(/\\n\s+at |\n\s+at /);
    } finally {
      await worker.end();
    }
  });

  test('starts also while its database is away', async () => {
    const taskQueue = session.queue();
    const worker = await startWorkerProcess({ url: 'postgresql://me:topsecret@127.0.0.1:1/none', taskQueue });
    try {
      expect(worker.output).toContain('cannot work with none at 127.0.0.1:1');
      expect(worker.output).not.toContain('topsecret');
    } finally {
      await worker.end();
    }
  });
});
