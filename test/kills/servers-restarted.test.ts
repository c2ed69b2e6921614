import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { freePort, startDevServer } from '../../worker/dev-server.ts';
import { loadSchema, SHAPED_TEMPLATE } from '../support/database.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { startCluster } from '../support/postgres/cluster.ts';
import { TemporalSession } from '../support/temporal.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

describeNeeding(['temporal'], 'a server that goes away in the middle of a run', () => {
  const ends: [string, 'stop' | 'kill'][] = [
    ['shut down and started again', 'stop'],
    ['killed and recovered', 'kill'],
  ];
  test.each(ends)('PostgreSQL, %s', async (_, end) => {
    const session = new TemporalSession();
    // Commits must be on the disk for a crash to keep them.
    const cluster = await startCluster({ durable: true });
    await loadSchema(cluster.url(), SHAPED_TEMPLATE);
    const run = await KilledRun.prepare(session, cluster.url());
    const worker = await startWorkerProcess({
      url: run.database.url,
      taskQueue: run.taskQueue,
      settings: MANY_BATCHES,
    });
    try {
      await run.start();
      await run.untilBatches(10);
      await cluster[end]();
      await cluster.start();
      await run.untilBatches(11);
      const frozen = await run.frozen();
      await run.expectWhole(frozen);
      await worker.end();
      await run.expectNothingLeft();
    } finally {
      await worker.end('SIGKILL');
      await run.drop();
      await cluster.destroy();
      await session.close();
    }
  });

  test.each(['stop', 'kill'] as const)('Temporal, by %s and on its file again', async (end) => {
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-server-'));
    const at = { file: join(folder, 'temporal.db'), port: await freePort() };
    let server = await startDevServer(at);
    const session = new TemporalSession(server.address);
    const run = await KilledRun.prepare(session);
    const worker = await startWorkerProcess({
      url: run.database.url,
      taskQueue: run.taskQueue,
      address: server.address,
      settings: MANY_BATCHES,
    });
    try {
      await run.start();
      await run.untilBatches(10);
      if (end === 'stop') await server.stop();
      else server.kill();
      server = await startDevServer(at);
      const frozen = await run.frozen();
      const report = await run.expectWhole(frozen);
      expect(report.status).toBe('completed');
      await worker.end();
      await run.expectNothingLeft();
    } finally {
      await worker.end('SIGKILL');
      await run.drop();
      await session.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
