import { afterAll, expect, test } from '@jest/globals';

import { BUNDLE_VARIABLE } from '../../support/made-bundle.ts';
import { describeNeeding } from '../../support/needing.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession } from '../../support/temporal.ts';
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
