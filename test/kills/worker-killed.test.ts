import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import type { HoldAt } from '../support/postgres/commit-proxy.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { TemporalSession } from '../support/temporal.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

describeNeeding(['temporal'], 'a worker that dies', () => {
  const session = new TemporalSession();
  const workers: WorkerProcess[] = [];
  let run: KilledRun;

  const startWorker = async (url = run.database.url): Promise<WorkerProcess> => {
    const worker = await startWorkerProcess({ url, taskQueue: run.taskQueue, settings: MANY_BATCHES });
    workers.push(worker);
    return worker;
  };

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(async (worker) => worker.end('SIGKILL')));
    await run.drop();
  });
  afterAll(async () => session.close());

  const moments: [HoldAt, string][] = [
    ['before commit', 'between delete and commit'],
    ['after commit', 'between commit and heartbeat'],
  ];
  test.each(moments)('by SIGKILL %s: %s', async (at) => {
    const proxy = await CommitProxy.start(run.database.url, at, 7);
    const victim = await startWorker(proxy.url);
    await run.start();
    await proxy.held;
    await victim.end('SIGKILL');
    await proxy.close();
    const frozen = await run.frozen();
    const successor = await startWorker();
    await run.expectWhole(frozen);
    await successor.end();
    await run.expectNothingLeft();
  });

  test('by SIGKILL again and again, at any moment', async () => {
    await run.start();
    let frozen: unknown;
    for (const batches of [1, 12, 30]) {
      const victim = await startWorker();
      await run.untilBatches(batches);
      await victim.end('SIGKILL');
      frozen ??= await run.frozen();
    }
    const successor = await startWorker();
    await run.expectWhole(frozen);
    await successor.end();
    await run.expectNothingLeft();
  });

  test('by SIGTERM: the next one goes on at once, on the exact batch', async () => {
    const victim = await startWorker();
    await run.start();
    await run.untilBatches(10);
    await victim.end('SIGTERM');
    const batches = await run.database.value('select count(*) from vacuum.batch');
    const frozen = await run.frozen();
    const successor = await startWorker();
    await run.expectWhole(frozen);
    expect(await run.database.value('select count(*) from vacuum.batch')).toBeGreaterThan(batches);
    const { raw } = await run.handle.describe();
    expect(raw.pendingActivities ?? []).toEqual([]);
    await successor.end();
    await run.expectNothingLeft();
  });

  test('by being given up while it still works: two attempts of one slice do not meet', async () => {
    const zombie = await startWorker();
    await run.start();
    await run.untilBatches(8);
    // Stopped, it sends no heartbeats; its transaction may be open. Temporal gives the slice to the other worker.
    zombie.signal('SIGSTOP');
    const successor = await startWorker();
    const before = await run.database.value('select count(*) from vacuum.batch');
    // Temporal goes on with giving its polls attempts, each of which is lost for ten seconds.
    await run.untilBatches(before + 3, 200_000);
    zombie.signal('SIGCONT');
    await run.expectWhole();
    await zombie.end();
    await successor.end();
    await run.expectNothingLeft();
  });

  test('while another works beside it', async () => {
    const victim = await startWorker();
    const other = await startWorker();
    await run.start();
    await run.untilBatches(10);
    await victim.end('SIGKILL');
    await run.expectWhole();
    await other.end();
    await run.expectNothingLeft();
  });
});
