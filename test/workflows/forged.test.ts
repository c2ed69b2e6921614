import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';

// Whoever may start workflows can start ours with any arguments, the second one included that only it is to use.
describeNeeding(['temporal'], 'a workflow with a forged state', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  test('cannot close the run of another, nor delete in its name', async () => {
    const policies = [prefectPolicy({ ...MANY_BATCHES, batchPause: '20 ms' })];
    const { taskQueue, database } = run;
    await session.withVacuum({ taskQueue, url: database.url, policies }, async (client) => {
      await run.start();
      await run.untilBatches(5);
      const pass = { name: 'orphaned-logs', kind: 'deleteOrphans', scan: 'by-location' };
      const planned = { ...pass, shards: 1, estimate: 0, dependsOn: [], repeats: false };
      const plan = {
        run: 1,
        policy: 'prefect',
        database: 'main',
        sliceSeconds: 20,
        startedAt: new Date().toISOString(),
      };
      const state = { pass: 0, longestMillis: 0, paused: false };
      const standing = {
        status: 'planned',
        round: 0,
        shards: [],
        before: { batches: 0, rows: 0, skipped: 0 },
      };
      for (const forged of [
        { ...state, plan: { ...plan, passes: [] }, passes: [] },
        { ...state, plan: { ...plan, passes: [planned] }, passes: [standing] },
      ]) {
        const stranger = client.workflow.execute('vacuum', {
          taskQueue,
          workflowId: `stranger-${taskQueue}-${forged.passes.length}`,
          args: [{}, forged],
        });
        await expect(stranger).rejects.toMatchObject({ cause: { type: 'VacuumRunClosed' } });
      }
      await run.expectWhole();
    });
  });
});
