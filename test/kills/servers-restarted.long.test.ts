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
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
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
      const frozen = await run.frozen();
      await cluster[end]();
      await cluster.start();
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

  test('PostgreSQL, away before the run begins', async () => {
    const session = new TemporalSession();
    const cluster = await startCluster();
    await loadSchema(cluster.url(), SHAPED_TEMPLATE);
    const run = await KilledRun.prepare(session, cluster.url());
    const policies = [prefectPolicy(MANY_BATCHES)];
    try {
      await cluster.stop();
      const { taskQueue, database } = run;
      await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
        await run.start();
        await waitFor('some attempts to begin', async () => {
          const { raw } = await run.handle.describe();
          return raw.pendingActivities?.some(({ attempt }) => (attempt ?? 0) >= 3);
        });
        await cluster.start();
        await run.expectWhole();
      });
      await run.expectNothingLeft();
    } finally {
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
      const frozen = await run.frozen();
      if (end === 'stop') await server.stop();
      else server.kill();
      server = await startDevServer(at);
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
