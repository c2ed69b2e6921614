import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { METRICS } from '../../activities/run/metric-definitions.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { cli } from '../support/cli.ts';
import { onServer } from '../support/database.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { ROOT } from '../support/parts/bring.ts';
import type { HoldAt } from '../support/postgres/commit-proxy.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { TABLES } from '../support/prefect/model.ts';
import { createHollow } from '../support/reclaim/hollow.ts';
import { expectTold, runTwice } from '../support/reclaim/two-runs.ts';
import type { Series } from '../support/scrape.ts';
import { metricsAddress, scrape, parseSeries, sumBy } from '../support/scrape.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

describeNeeding(['temporal'], 'metrics of a worker', () => {
  const session = new TemporalSession();
  const workers: WorkerProcess[] = [];
  let run: KilledRun;

  /** With one shard nothing is committed beside the batch that a test holds. */
  const start = async (
    url = run.database.url,
    more: { enabled?: boolean } = {},
  ): Promise<{ worker: WorkerProcess; metrics: string }> => {
    const metrics = await metricsAddress();
    const settings = { ...MANY_BATCHES, shards: 1, ...more };
    const worker = await startWorkerProcess({ url, taskQueue: run.taskQueue, settings, metrics });
    workers.push(worker);
    return { worker, metrics };
  };
  const read = async (metrics: string): Promise<Series[]> => parseSeries(await scrape(metrics));
  const countRows = (series: readonly Series[]): Record<string, number> =>
    sumBy(series, METRICS.rowsDeleted.name, 'pass');

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(async (worker) => worker.end('SIGKILL')));
    await run.drop();
  });
  afterAll(async () => session.close());

  test('are what the ledger has, pass by pass, with names and numbers only', async () => {
    const { metrics } = await start();
    await run.start();
    const report = await run.expectWhole();
    const text = await scrape(metrics);
    const series = parseSeries(text);

    expect(countRows(series)).toEqual(byPass(report, 'rows'));
    expect(report.rows).toBeGreaterThan(1000);
    expect(sumBy(series, METRICS.lastRunRows.name, 'pass')).toEqual(byPass(report, 'rows'));
    expect(sumBy(series, METRICS.lastRunHeld.name, 'pass')).toEqual(byPass(report, 'held'));
    expect(sumBy(series, METRICS.batches.name, 'pass')).toEqual(byPass(report, 'batches'));
    expect(sumBy(series, `${METRICS.batchDuration.name}_count`, 'pass')).toEqual(byPass(report, 'batches'));
    expect(sumBy(series, METRICS.runs.name, 'status')).toEqual({ completed: 1 });
    expect(sumBy(series, `${METRICS.runDuration.name}_sum`, 'policy')).toEqual({ prefect: report.millis });
    const ended = sumBy(series, METRICS.lastRunEndedAt.name, 'policy')['prefect'];
    expect(sumBy(series, METRICS.lastCompletedAt.name, 'policy')['prefect']).toBe(ended);
    expect(ended).toBe(Date.parse(report.endedAt ?? '') / 1000);

    const left = report.passes.filter(({ backlog }) => backlog !== null);
    expect(sumBy(series, METRICS.backlogRows.name, 'pass')).toEqual(
      Object.fromEntries(left.map(({ name, backlog }) => [name, backlog?.after?.rows])),
    );
    // Begin and end of a run set one series.
    expect(series.filter(({ name }) => name === METRICS.backlogRows.name)).toHaveLength(left.length);
    expect(sumBy(series, METRICS.backlogAge.name, 'pass')).toEqual(
      Object.fromEntries(left.filter(({ kind }) => kind === 'expireRows').map(({ name }) => [name, 0])),
    );

    const known = new Set<string>(Object.values(METRICS).map(({ name }) => name));
    const ours = series.filter(({ name }) => name.startsWith('temporal_vacuum_'));
    const names = ours.map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''));
    expect([...new Set(names)].filter((name) => !known.has(name))).toEqual([]);
    const labels = new Set(ours.flatMap((one) => Object.keys(one.labels)));
    const ownLabels = new Set(['policy', 'pass', 'status', 'kind', 'le']);
    expect([...labels].filter((label) => !ownLabels.has(label)).toSorted()).toEqual([
      'activityType',
      'namespace',
      'taskQueue',
    ]);
    const values = new Set(ours.flatMap((one) => Object.values(one.labels)));
    expect(TABLES.filter((table) => values.has(table))).toEqual([]);
    for (const secret of [run.database.name, 'postgresql://']) expect(text).not.toContain(secret);
  });

  const moments: [HoldAt, string][] = [
    ['before commit', 'the counters of both add up to the ledger'],
    ['after commit', 'the counters of both lack that batch, and the last run has it'],
  ];
  test.each(moments)('after a SIGKILL %s: %s', async (at) => {
    const proxy = await CommitProxy.start(run.database.url, at, 7);
    const victim = await start(proxy.url);
    await run.start();
    await proxy.held;
    const before = countRows(await read(victim.metrics));
    await victim.worker.end('SIGKILL');
    await proxy.close();
    const committed = await run.database.rows<{ rows: number }>(
      'select rows from vacuum.batch where rows > 0 order by at desc',
    );
    const lost = at === 'before commit' ? 0 : (committed[0]?.rows ?? 0);
    const counted = committed.reduce((sum, { rows }) => sum + rows, 0) - lost;
    expect(total(before)).toBe(counted);
    expect(counted).toBeGreaterThan(0);

    const successor = await start();
    const report = await run.expectWhole();
    const series = await read(successor.metrics);
    expect(total(before) + total(countRows(series))).toBe(report.rows - lost);
    expect(lost > 0).toBe(at === 'after commit');
    expect(sumBy(series, METRICS.lastRunRows.name, 'pass')).toEqual(byPass(report, 'rows'));
    expect(sumBy(series, METRICS.runs.name, 'status')).toEqual({ completed: 1 });
  });

  test('tell when a run completed last from the start of a worker, by the ledger', async () => {
    const last = async (metrics: string): Promise<unknown[]> =>
      (await read(metrics))
        .filter(({ name }) => name === METRICS.lastCompletedAt.name)
        .map(({ labels, value }) => [labels['policy'], value]);
    const expectLast = async (metrics: string, value: number): Promise<void> => {
      await waitFor('the series', async () => (await last(metrics)).length > 0);
      expect(await last(metrics)).toEqual([['prefect', value]]);
    };
    const disabled = await start(run.database.url, { enabled: false });
    const first = await start();
    await expectLast(first.metrics, 0);
    expect(await last(disabled.metrics)).toEqual([]);
    await disabled.worker.end();

    await run.start();
    const { endedAt } = await run.expectWhole();
    const completedAt = Date.parse(endedAt ?? '') / 1000;
    // The run sets the series that the start has set.
    await expectLast(first.metrics, completedAt);
    await first.worker.end();

    const { name } = run.database;
    await onServer(process.env['TEST_PG_URL'] ?? '', `alter database ${name} allow_connections false`);
    const second = await start();
    expect(await last(second.metrics)).toEqual([]);
    await onServer(process.env['TEST_PG_URL'] ?? '', `alter database ${name} allow_connections true`);
    await expectLast(second.metrics, completedAt);
    const series = await read(second.metrics);
    expect(sumBy(series, METRICS.lastRunEndedAt.name, 'policy')).toEqual({ prefect: completedAt });
    expect(series.filter(({ name: one }) => one === METRICS.runs.name)).toEqual([]);
  });

  test('tell what was given back to the disk, how fast rows come and go, and whether that keeps up', async () => {
    const hollow = await createHollow('at the end', 3000);
    const metrics = await metricsAddress();
    const config = join(ROOT, 'test/support/reclaim/vacuum.config.ts');
    const { taskQueue } = run;
    workers.push(await startWorkerProcess({ url: hollow.url, taskQueue, config, metrics }));
    const reports = await runTwice(session, taskQueue, hollow);
    expectTold(await read(metrics), reports);
    await hollow.drop();
  });

  test('count what others held', async () => {
    const other = await run.database.pool.connect();
    await other.query(`
      begin;
      select from flow_run
      where end_time < now() - interval '90 days 12 hours' and parent_task_run_id is null and state_type = 'COMPLETED'
      order by id
      limit 3
      for update`);
    const { metrics } = await start();
    await run.start();
    await run.handle.result();
    await other.query('rollback');
    other.release();
    const report = await fetchReport(run.database, run.handle.workflowId);
    const series = await read(metrics);
    expect(sumBy(series, METRICS.rowsSkipped.name, 'pass')).toEqual(byPass(report, 'skipped'));
    expect(sumBy(series, METRICS.setbacks.name, 'kind')['lock']).toBeGreaterThan(0);
    const held = report.passes.find(({ name }) => name === 'old-flow-runs');
    expect(held?.skipped).toBeGreaterThan(0);
    expect(held?.backlog?.after).toMatchObject({ rows: 3, error: 0, atLeast: false });
    expect(sumBy(series, METRICS.backlogAge.name, 'pass')['old-flow-runs']).toBeGreaterThan(90 * 86_400);
  });

  test('an address that cannot be served on is one clear error', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    for (const address of ['9464', 'localhost:0', `127.0.0.1:${port}`]) {
      const args = ['--preset', 'prefect', '--url', run.database.url, '--metrics', address];
      const { code, stderr } = await cli(['worker', ...args]);
      expect({ address, code }).toEqual({ address, code: 2 });
      expect(stderr).toContain('--metrics');
      expect(stderr).toContain('such as 127.0.0.1:9464');
    }
    server.close();
  });
});

function byPass(
  report: LedgerReport,
  field: 'rows' | 'batches' | 'skipped' | 'held',
): Record<string, number> {
  const worked = report.passes.filter(({ status }) => status === 'completed');
  return Object.fromEntries(worked.map((pass) => [pass.name, pass[field]]));
}

function total(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, value) => sum + value, 0);
}
