import { afterAll, afterEach, expect, test } from '@jest/globals';

import { startDevServer } from '../../../worker/dev-server.ts';
import { DescribedApi } from '../../support/http/described-api.ts';
import { WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly lastRuns: readonly unknown[];
}

describeNeeding(['temporal'], 'where something is away', () => {
  const session = new TemporalSession();
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });
  afterAll(async () => session.close());

  test('the database: the worker is not ready, says why without a word of where it is, and lives', async () => {
    const worker = await startWorkerProcess({
      url: 'postgresql://me:topsecret@127.0.0.1:1/hidden',
      taskQueue: session.queue(),
      http: '127.0.0.1:0',
    });
    closing.push(async () => worker.end());
    const api = await DescribedApi.at(worker.url);
    const reason =
      'database main cannot be read: nothing listens at this host and port (ECONNREFUSED) (SQLSTATE 08006)';
    expect(await api.ask('/readyz')).toEqual({
      status: 503,
      body: { ready: false, reasons: [reason], lastRuns: [] },
    });
    for (const path of ['/api/runs', '/api/runs/1', '/api/admin/cleanup/status', '/api/tables']) {
      expect(await api.ask(path)).toEqual({ status: 503, body: { error: reason } });
    }
    expect((await api.ask('/healthz')).status).toBe(200);
    expect((await api.ask('/api/policies')).status).toBe(200);
    expect((await api.ask('/api/system/workers')).status).toBe(200);
    for (const secret of ['topsecret', 'hidden', '127.0.0.1:1'])
      expect(api.said.join('\n')).not.toContain(secret);
  });

  test('one of several databases: lists tell of the others, and which one is missing', async () => {
    const shop = await WatchedShop.prepare(session);
    closing.push(async () => shop.close());
    const worker = await shop.serve('127.0.0.1:0', {
      TEST_SECOND_DATABASE_URL: 'postgresql://me:topsecret@127.0.0.1:1/hidden',
    });
    const api = await DescribedApi.at(worker.url);
    await shop.add(5);
    await (await shop.start()).result();
    const reason =
      'database second cannot be read: nothing listens at this host and port (ECONNREFUSED) (SQLSTATE 08006)';
    const missing = [{ database: 'second', reason }];
    expect(await api.get('/api/runs')).toMatchObject({ missing, runs: [{ database: 'main', run: 1 }] });
    expect(await api.get('/api/admin/cleanup/status')).toMatchObject({
      missing,
      running: false,
      last: [{ database: 'main', run: 1 }],
    });
    // No policy is about it.
    expect(await api.get('/api/tables')).toMatchObject({ missing: [] });
    expect(await api.ask('/api/runs?database=second')).toEqual({ status: 503, body: { error: reason } });
    expect(await api.ask('/readyz')).toMatchObject({ status: 503, body: { ready: false } });
    expect(api.said.join('\n')).not.toContain('topsecret');
    await worker.end();
  });

  test('the ledger, until the first run, and Temporal, until it responds again', async () => {
    const temporal = await startDevServer();
    closing.push(async () => temporal.stop());
    const there = new TemporalSession(temporal.address);
    closing.push(async () => there.close());
    const shop = await WatchedShop.prepare(there);
    closing.push(async () => shop.close());
    const worker = await shop.serve('127.0.0.1:0', {}, { address: temporal.address });
    const api = await DescribedApi.at(worker.url);
    const readiness = async (): Promise<Readiness> => (await api.ask<Readiness>('/readyz')).body;
    expect((await readiness()).reasons).toEqual([
      'database main has no ledger yet: the first run creates it, or `temporal-vacuum ledger migrate`',
    ]);
    // What there is before the first run: nothing, and no error.
    expect(await api.get('/api/runs')).toMatchObject({ runs: [] });
    expect(await api.get('/api/admin/cleanup/status')).toMatchObject({ running: false, open: [], last: [] });
    await shop.add(5);
    await (await shop.start()).result();
    await waitFor('the worker to be ready', async () => (await readiness()).ready);
    expect((await readiness()).lastRuns).toContainEqual({
      database: 'main',
      policy: shop.name,
      status: 'completed',
      endedAt: expect.any(String),
      completedAt: expect.any(String),
      completedSecondsAgo: expect.any(Number),
    });

    await shop.database.rows(`insert into vacuum.migration (name) values ('999-of-tomorrow')`);
    const newer = await waitFor('a ledger of tomorrow', async () => {
      const { reasons } = await readiness();
      return reasons[0];
    });
    expect(newer).toContain('is of a newer version: upgrade temporal-vacuum');
    await shop.database.rows(`delete from vacuum.migration where name = '999-of-tomorrow'`);
    await waitFor('the worker to be ready again', async () => (await readiness()).ready);

    temporal.kill();
    const away = await waitFor('Temporal to be missed', async () => {
      const { ready, reasons } = await readiness();
      return ready ? undefined : reasons;
    });
    expect(away).toEqual(['Temporal does not respond']);
    expect(await api.ask('/api/policies')).toEqual({
      status: 503,
      body: { error: 'Temporal does not respond' },
    });
    expect((await api.ask('/api/runs')).status).toBe(200);
    // Without Temporal it would not go in time.
    await worker.end('SIGKILL');
  });
});
