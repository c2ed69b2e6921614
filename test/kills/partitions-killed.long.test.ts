import { afterAll, expect, test } from '@jest/globals';

import { describeNeeding } from '../support/needing.ts';
import type { HoldAt } from '../support/postgres/commit-proxy.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { createReadings, readPartitions } from '../support/readings.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

/** The death takes the ten seconds in which Temporal misses a worker. */
const WITHIN_MILLIS = 120_000;

describeNeeding(['temporal'], 'a worker that dies while it drops partitions', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test.concurrent.each<[HoldAt, number]>([
    ['before commit', 5],
    ['after commit', 4],
  ])(
    'by SIGKILL %s of the second: the next attempt drops what is left, each row is counted once',
    async (at, left) => {
      const database = await createReadings();
      const taskQueue = session.queue();
      const options = { taskQueue, config: 'test/support/readings.config.ts', bare: true };
      const proxy = await CommitProxy.start(database.url, at, 1);
      const victim = await startWorkerProcess({ ...options, url: proxy.url });
      const handle = await session.start(taskQueue);
      await proxy.held;
      await victim.end('SIGKILL');
      await proxy.close();
      expect(await readPartitions(database)).toHaveLength(left);
      const successor = await startWorkerProcess({ ...options, url: database.url });
      await handle.result();
      await successor.end();
      expect(await fetchReport(database, handle.workflowId)).toMatchObject({
        status: 'completed',
        deleted: { reading: 30 },
        passes: [{ batches: 3 }],
      });
      expect(await readPartitions(database)).toEqual(['reading_4', 'reading_5', 'reading_default']);
      await database.drop();
    },
    WITHIN_MILLIS,
  );
});
