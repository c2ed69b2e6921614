import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import { startDevServer } from '../../worker/dev-server.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy, fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

interface Progress {
  readonly state: string;
  readonly reason: string | null;
  readonly passes: { readonly name: string; readonly status: string; readonly rows: number }[];
}

// Slow enough to be caught in the middle.
const SLOW = { ...MANY_BATCHES, batchPause: '30 ms' };

describeNeeding(['temporal'], 'a run in the hands of its operator', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  async function withWorker<T>(settings: object, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const policies = [prefectPolicy(settings)];
    return session.withVacuum({ taskQueue: run.taskQueue, url: run.database.url, policies }, async () => {
      await run.start();
      return work(run.handle);
    });
  }

  const countBatches = async (): Promise<number> => run.database.value('select count(*) from vacuum.batch');

  test('pause stops it after a batch, resume lets it go on, and nothing is done twice', async () => {
    await withWorker(SLOW, async (handle) => {
      await run.untilBatches(5);
      await handle.signal('pause', 'the backup runs');
      const paused = await waitFor('the run to be paused with no slice under way', async () => {
        const progress = await handle.query<Progress>('progress');
        const { raw } = await handle.describe();
        return progress.state === 'paused' && (raw.pendingActivities ?? []).length === 0
          ? progress
          : undefined;
      });
      expect(paused.reason).toBe('the backup runs');
      const batches = await countBatches();
      const frozen = await run.frozen();
      // A round trip through the workflow: had it gone on, there would be more by now.
      await handle.query('progress');
      expect(await countBatches()).toBe(batches);
      await handle.signal('resume');
      await run.expectWhole(frozen);
      expect(await countBatches()).toBeGreaterThan(batches);
    });
    await run.expectNothingLeft();
  });

  test('stop ends it after a batch with everything accounted for', async () => {
    await withWorker(SLOW, async (handle) => {
      await run.untilBatches(5);
      await handle.signal('stop');
      expect(await handle.result()).toMatchObject({ status: 'stopped' });
    });
    const report = await fetchReport(run.database, run.handle.workflowId);
    expect(report.status).toBe('stopped');
    expect(report.deleted).toEqual(await run.gone());
    expect(report.passes.map((pass) => pass.status)).toContain('unfinished');
    await run.expectNothingLeft();
  });

  test('a paused run can be stopped', async () => {
    await withWorker(SLOW, async (handle) => {
      await run.untilBatches(3);
      await handle.signal('pause');
      await handle.signal('stop');
      expect(await handle.result()).toMatchObject({ status: 'stopped' });
    });
    await run.expectNothingLeft();
  });

  test('cancel finishes the batch, closes the run as cancelled and frees the lease', async () => {
    await withWorker(SLOW, async (handle) => {
      await run.untilBatches(5);
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    });
    const report = await fetchReport(run.database, run.handle.workflowId);
    expect(report.status).toBe('cancelled');
    expect(report.deleted).toEqual(await run.gone());
    await run.expectNothingLeft();
  });

  test('pause before it begins holds it at the first pass', async () => {
    await run.start();
    await run.handle.signal('pause');
    await session.withVacuum(
      { taskQueue: run.taskQueue, url: run.database.url, policies: [prefectPolicy(SLOW)] },
      async () => {
        await waitFor('the run to be paused', async () => {
          const progress = await run.handle.query<Progress>('progress');
          return progress.state === 'paused';
        });
        expect(await countBatches()).toBe(0);
        await run.handle.signal('resume');
        await run.expectWhole();
      },
    );
  });

  test('progress tells how each pass stands', async () => {
    await withWorker({ ...SLOW, sliceBatches: 5 }, async (handle) => {
      const progress = await waitFor('some rows in the progress', async () => {
        const found = await handle.query<Progress>('progress');
        return found.passes.some((pass) => pass.rows > 0) ? found : undefined;
      });
      const names = prefectPolicy().passes.map((pass) => pass.name);
      expect(progress.passes.map((pass) => pass.name)).toEqual(names);
      await run.expectWhole();
      const done = await handle.query<Progress>('progress');
      expect(done.state).toBe('completed');
      expect(new Set(done.passes.map((pass) => pass.status))).toEqual(new Set(['completed']));
    });
  });

  test('one batch an activity, where the slice says so', async () => {
    await withWorker({ batchSize: 100, shards: 1, sliceBatches: 1 }, async (handle) => {
      const report = await run.expectWhole();
      const { events } = await handle.fetchHistory();
      const slices = (events ?? []).filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'vacuum.runSlice',
      );
      const batches = report.passes.reduce((sum, pass) => sum + pass.batches, 0);
      expect(slices.length).toBe(batches);
    });
  });
});

describeNeeding(['temporal'], 'a run longer than one history', () => {
  test('continues as new with plan, totals and pause, and stays one run', async () => {
    const server = await startDevServer({
      args: ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=60'],
    });
    const session = new TemporalSession(server.address);
    const run = await KilledRun.prepare(session);
    try {
      const policies = [prefectPolicy({ batchSize: 20, shards: 2, sliceBatches: 2 })];
      await session.withVacuum(
        { taskQueue: run.taskQueue, url: run.database.url, policies },
        async (client) => {
          await run.start();
          await waitFor('the first continue-as-new', async () => {
            const first = client.workflow.getHandle(run.handle.workflowId, run.handle.firstExecutionRunId);
            return (await first.describe()).status.name === 'CONTINUED_AS_NEW';
          });
          await run.handle.signal('pause', 'over the border');
          await waitFor('the pause to be felt', async () => {
            const progress = await client.workflow
              .getHandle(run.handle.workflowId)
              .query<Progress>('progress');
            return progress.state === 'paused';
          });
          const frozen = await run.frozen();
          await client.workflow.getHandle(run.handle.workflowId).signal('resume');
          await run.expectWhole(frozen);
          expect(await run.database.value('select count(*) from vacuum.run')).toBe(1);
        },
      );
      await run.expectNothingLeft();
    } finally {
      await run.drop();
      await session.close();
      await server.stop();
    }
  });
});
