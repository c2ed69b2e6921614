import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy, vacuum } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'two runs of one policy', () => {
  const session = new TemporalSession();
  const policies = [prefectPolicy(MANY_BATCHES)];
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  async function withWorker<T>(work: () => Promise<T>): Promise<T> {
    return session.withVacuum({ taskQueue: run.taskQueue, url: run.database.url, policies }, work);
  }

  /** A second run, which waits for the first. */
  async function startWaiting(): Promise<WorkflowHandleWithFirstExecutionRunId> {
    const second = await session.start(run.taskQueue, { ifBusy: 'wait' });
    await waitFor('the second to wait', async () => {
      const progress = await second.query<{ state: string }>('progress');
      return progress.state === 'waiting';
    });
    return second;
  }

  test('the second skips and says who is at it', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      const second = await session.start(run.taskQueue);
      expect(await second.result()).toMatchObject({
        status: 'skipped',
        run: null,
        holder: { workflowId: run.handle.workflowId },
      });
      await run.expectWhole();
    });
    await run.expectNothingLeft();
  });

  test('the second fails if it is told to', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      const second = await session.start(run.taskQueue, { ifBusy: 'fail' });
      await expect(second.result()).rejects.toMatchObject({ cause: { type: 'VacuumBusy' } });
      await run.expectWhole();
    });
  });

  test('the second waits where it is told to, and then runs', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      const second = await startWaiting();
      await run.expectWhole();
      expect(await second.result()).toMatchObject({ status: 'completed', rows: 0 });
    });
  });

  test('the second is stopped while it waits', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      const second = await startWaiting();
      await second.signal('stop', 'one is enough');
      expect(await second.result()).toMatchObject({
        run: null,
        status: 'stopped',
        reasons: ['stopped: one is enough'],
      });
      await run.expectWhole();
    });
  });

  test('both started in one moment: exactly one runs', async () => {
    await withWorker(async () => {
      const [, second] = await Promise.all([run.start(), session.start(run.taskQueue)]);
      const results = [await run.handle.result(), await second.result()] as { status: string }[];
      expect(results.map((result) => result.status).toSorted()).toEqual(['completed', 'skipped']);
    });
    await run.expectNothingLeft();
  });

  test('a run whose workflow was terminated is closed by the next, which takes its place', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(5);
      await run.handle.terminate('an operator');
    });
    const report = await vacuum(session, run.database, policies);
    expect(report.status).toBe('completed');
    const states = await run.database.rows<{ status: string }>('select status from vacuum.run order by id');
    expect(states.map(({ status }) => status)).toEqual(['terminated', 'completed']);
    const rows = await run.database.rows<{ rows: number; sum: number }>(
      `select p.rows, (select coalesce(sum(rows), 0) from vacuum.batch as b
         where b.run_id = p.run_id and b.pass = p.ordinal) as sum
       from vacuum.pass as p`,
    );
    for (const pass of rows) expect(pass.rows).toBe(pass.sum);
    await run.expectNothingLeft();
  });
});
