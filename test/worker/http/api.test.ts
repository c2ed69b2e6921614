import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { WorkflowHandle } from '@temporalio/client';
import type { z } from 'zod';

import type { Stats } from '../../../activities/inspect/stats.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { readLiveProgress } from '../../../activities/ledger/live-progress.ts';
import { METRICS } from '../../../activities/run/metric-definitions.ts';
import type { Progress } from '../../../activities/stored/progress.ts';
import type * as responses from '../../../worker/http/response-schemas.ts';
import type * as runResponses from '../../../worker/http/run-schemas.ts';
import { applySchedule } from '../../../worker/schedule.ts';
import { readVersion } from '../../../worker/version.ts';
import { computeProgress } from '../../../workflows/compute-progress.ts';
import { resumeSignal } from '../../../workflows/messages.ts';
import type { RunProgress } from '../../../workflows/progress.ts';
import { cli } from '../../support/cli.ts';
import { DescribedApi } from '../../support/http/described-api.ts';
import { SECRETS, WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { parseSeries, sumBy } from '../../support/scrape.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

type Response<T extends z.ZodType> = z.infer<T>;

const ROWS = 300;

describeNeeding(['temporal'], 'the API of a worker', () => {
  const session = new TemporalSession();
  let shop: WatchedShop;
  let worker: WorkerProcess;
  let api: DescribedApi;
  let paused: WorkflowHandle;

  beforeAll(async () => {
    shop = await WatchedShop.prepare(session);
    worker = await shop.serve();
    api = await DescribedApi.at(worker.url);
    await shop.add(ROWS);
    await (await shop.start({ mode: 'preview' })).result();
    await shop.failOnce();
    const { taskQueue } = shop;
    const client = await session.client();
    await applySchedule(client, shop.policy, { taskQueue });
    paused = await shop.pauseInTheMiddle('the backup runs');
  });
  afterAll(async () => {
    const client = await session.client();
    await client.schedule.getHandle(`vacuum-${shop.name}`).delete();
    await shop.close();
    await session.close();
  });

  const status = async (): Promise<Response<typeof runResponses.Status>> =>
    api.get('/api/admin/cleanup/status');

  test('is described by a document of OpenAPI that is one, with all that there is', async () => {
    const document = JSON.parse(api.said[0] ?? '') as Record<string, unknown>;
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    expect(Object.keys(api.document.paths).toSorted()).toEqual([
      '/api/admin/cleanup/status',
      '/api/policies',
      '/api/policies/{policy}/{signal}',
      '/api/runs',
      '/api/runs/{id}',
      '/api/system/workers',
      '/api/tables',
      '/healthz',
      '/metrics',
      '/readyz',
    ]);
  });

  test('says that the process lives and that runs would go on', async () => {
    expect(await api.get('/healthz')).toEqual({ status: 'ok' });
    expect(await api.get('/readyz')).toMatchObject({ ready: true, reasons: [] });
  });

  test('tells the workers of the task queue', async () => {
    const workers = await api.get<Response<typeof responses.Workers>>('/api/system/workers');
    expect(workers).toMatchObject({ taskQueue: shop.taskQueue, namespace: 'default' });
    expect(workers.self).toMatchObject({
      state: 'RUNNING',
      version: readVersion(),
      policies: [shop.name, `${shop.name}-idle`],
    });
    expect(workers.self.identity).toContain(String(worker.pid));
    // Temporal calls a poller of a worker's own queue by the same name.
    const self = workers.pollers.find(({ identity }) => identity === workers.self.identity);
    expect(self?.polls).toEqual(['workflow', 'activity']);
    expect(Date.now() - Date.parse(self?.lastAccessAt ?? '')).toBeLessThan(120_000);
  });

  test('tells policies with their schedules, active and paused, and their next runs', async () => {
    const read = async (): Promise<Response<typeof responses.Policies>['policies']> =>
      (await api.get<Response<typeof responses.Policies>>('/api/policies')).policies;
    const [active, idle] = await read();
    expect(active).toMatchObject({
      name: shop.name,
      database: 'main',
      enabled: true,
      when: 'at 0 3 * * * in UTC',
      passes: [
        { name: 'old-audit', kind: 'expireRows' },
        { name: 'old-orders', kind: 'expireRows' },
        { name: 'reclaim', kind: 'reclaimSpace' },
      ],
      schedule: { id: `vacuum-${shop.name}`, state: 'active', openWorkflows: [] },
    });
    const next = active?.schedule?.nextRuns ?? [];
    expect(next).toHaveLength(3);
    expect(next[0]).toMatch(/T03:00:00.000Z$/);
    expect(Date.parse(next[0] ?? '')).toBeGreaterThan(Date.now());
    expect(idle).toMatchObject({ enabled: false, schedule: null });

    const client = await session.client();
    await client.schedule.getHandle(`vacuum-${shop.name}`).pause('the database moves');
    await waitFor('the pause to be told', async () => {
      const [policy] = await read();
      return policy?.schedule?.state === 'paused';
    });
    expect((await read())[0]?.schedule).toMatchObject({ note: 'the database moves', nextRuns: [] });
  });

  test('tells the runs of the ledger, those that failed with their reasons, without a word of the database', async () => {
    const { runs } = await api.get<Response<typeof runResponses.Runs>>('/api/runs');
    expect(runs.map(({ mode, status: how, rows }) => [mode, how, rows])).toEqual([
      ['execute', 'running', expect.any(Number)],
      ['execute', 'failed', 0],
      ['preview', 'completed', ROWS],
    ]);
    const failed = await api.get<Response<typeof runResponses.Run>>(`/api/runs/${runs[1]?.run}`);
    expect(failed.passes).toMatchObject([{ name: 'old-orders', status: 'failed' }]);
    expect(failed.passes[0]?.error).toMatch(/^deleting: .* \(SQLSTATE 42501\)$/);
    const previewed = await api.get<Response<typeof runResponses.Run>>(
      `/api/runs/${runs[2]?.run}?database=main`,
    );
    expect(previewed.deleted).toEqual({ audit_log: ROWS });

    const one = await api.get<Response<typeof runResponses.Runs>>(`/api/runs?limit=1&policy=${shop.name}`);
    expect(one.runs.map(({ run }) => run)).toEqual([runs[0]?.run]);
    expect((await api.get<Response<typeof runResponses.Runs>>('/api/runs?policy=nobody')).runs).toEqual([]);
    expect((await api.ask('/api/runs/4711')).status).toBe(404);
    expect(await api.ask('/api/runs/1?database=other')).toEqual({
      status: 400,
      body: { error: 'name the database: ?database= with one of main' },
    });
    for (const bad of ['/api/runs?limit=0', '/api/runs?limit=1000', '/api/runs?limit=x', '/api/runs/x']) {
      expect({ bad, status: (await api.ask(bad)).status }).toEqual({ bad, status: 400 });
    }
  });

  test('tells what tables measure as the command stats does', async () => {
    // Sessions tell the statistics of the server what they did some seconds later.
    await waitFor('the statistics to be told', async () =>
      shop.database.value<boolean>(
        `select n_tup_del = (select sum(rows) from vacuum.batch) from pg_stat_user_tables where relname = 'audit_log'`,
      ),
    );
    const { tables } = await api.get<Response<typeof responses.Tables>>('/api/tables');
    const url = shop.database.url;
    const { stdout } = await cli(
      ['stats', shop.name, '--config', 'test/support/http/vacuum.config.ts', '--json'],
      { env: { TEST_DATABASE_URL: url, TEST_POLICY: shop.name } },
    );
    const stats = (JSON.parse(stdout) as Stats).tables;
    expect(tables.map(({ table }) => table).toSorted()).toEqual(stats.map(({ table }) => table).toSorted());
    const audit = tables.find(({ table }) => table === 'audit_log');
    expect(audit).toMatchObject({ database: 'main', policies: [shop.name, `${shop.name}-idle`] });
    expect(audit).toMatchObject({ ...stats.find(({ table }) => table === 'audit_log') });
  });

  test('passes on the metrics of the process', async () => {
    const series = parseSeries(await api.get<string>('/metrics'));
    const { open } = await status();
    expect(sumBy(series, METRICS.rowsDeleted.name, 'policy')).toEqual({
      [shop.name]: open[0]?.passes[0]?.rows,
    });
    expect(sumBy(series, METRICS.runs.name, 'status')).toEqual({ failed: 1 });
  });

  test('follows a run: paused in the middle, under way, over', async () => {
    const inLedger = async (): Promise<number> =>
      shop.database.value(
        'select sum(b.rows) from vacuum.batch as b where b.run_id = (select max(id) from vacuum.run)',
      );
    const resting = await status();
    expect(resting).toMatchObject({
      running: true,
      open: [
        {
          policy: shop.name,
          workflowId: paused.workflowId,
          state: 'paused',
          canSteer: true,
          reason: 'the backup runs',
          passes: [
            { name: 'old-audit', status: 'running' },
            { name: 'old-orders', status: 'planned', rows: 0, percent: null, waitsFor: null },
            { name: 'reclaim', status: 'planned' },
          ],
        },
      ],
      last: [{ status: 'failed' }],
    });
    const before = resting.open[0]?.passes[0];
    expect(before?.rows).toBe(await inLedger());
    expect(before?.waitsFor).toBe('signal resume');
    expect(before?.percent).toBeGreaterThan(0);
    expect(before?.percent).toBeLessThan(100);

    // One function computes the figures: whoever is asked gives the same.
    const figures = (passes: readonly Progress[]): Progress[] =>
      passes.map(({ percent, rowsPerSecond, etaSeconds }) => ({ percent, rowsPerSecond, etaSeconds }));
    const told = figures(resting.open[0]?.passes ?? []);
    expect(told[0]).toEqual({
      percent: expect.any(Number),
      rowsPerSecond: expect.any(Number),
      etaSeconds: expect.any(Number),
    });
    const { passes } = await paused.query<RunProgress>('progress');
    expect(figures(passes)).toEqual(told);
    const database = await openDatabase(shop.database.url);
    const live = await readLiveProgress(database.ledger, resting.open[0]?.run ?? 0);
    await database.close();
    expect(figures(live.map(({ status: how, shards }) => computeProgress(how, shards)))).toEqual(told);

    await paused.signal(resumeSignal);
    const moving = await waitFor('a rate and an ETA', async () => {
      const [pass] = (await status()).open[0]?.passes ?? [];
      return pass?.rowsPerSecond !== null && pass?.etaSeconds !== null ? pass : undefined;
    });
    expect(moving.rowsPerSecond).toBeGreaterThan(0);
    expect(moving.etaSeconds).toBeLessThan(120);

    await paused.result();
    const over = await waitFor('the end to be told', async () => {
      const now = await status();
      return now.running ? undefined : now;
    });
    expect(over).toMatchObject({ open: [], last: [{ policy: shop.name, status: 'completed', rows: ROWS }] });
    expect(over.never).toEqual([{ database: 'main', policy: `${shop.name}-idle`, enabled: false }]);
    // However many previews come after it, the last run that deleted is the last.
    await shop.database.rows(
      `insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, ended_at)
       select $1, 'preview', 'completed', 'p' || n, 'p', 'a/default', '{}', now() from generate_series(1, 30) as n`,
      [shop.name],
    );
    const later = await waitFor('a later status', async () => {
      const now = await status();
      return now.at > over.at ? now : undefined;
    });
    expect(later.last).toEqual(over.last);
    const run = await api.get<Response<typeof runResponses.Run>>(`/api/runs/${over.last[0]?.run}`);
    expect(run).toMatchObject({ deleted: { audit_log: ROWS }, status: 'completed' });
    expect(run.bytes).toBeGreaterThan(0);
    expect(run.sizes.map(({ table }) => table)).toContain('audit_log');
  });

  test('says so where a workflow is gone and its run is open in the ledger', async () => {
    await shop.add(ROWS);
    const gone = await shop.pauseInTheMiddle('to be terminated');
    await gone.terminate('from outside');
    const { open } = await waitFor('the end of the workflow', async () => {
      const now = await status();
      return now.open[0]?.state === 'unknown' ? now : undefined;
    });
    expect(open[0]?.reason).toMatch(/^Temporal has no such workflow open: it is over, and the next run/);
    expect(open[0]?.passes[0]).toMatchObject({ status: 'running' });
    expect(open[0]?.passes[0]?.rows).toBeGreaterThan(0);
  });

  test('lists an open run of a policy that was removed, with what it is and how to stop it', async () => {
    const { namespace } = (await session.client()).options;
    await shop.database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings)
      values ('weekly', 'execute', 'running', 'weekly-7', 'w', 'a/default', '{}'),
        ('monthly', 'execute', 'completed', 'monthly-7', 'm', 'a/default', '{}')`);
    await shop.database.rows("update vacuum.run set ended_at = now() where policy = 'monthly'");
    const { open } = await waitFor('the run of the removed policy', async () => {
      const now = await status();
      return now.open.some(({ policy }) => policy === 'weekly') ? now : undefined;
    });
    expect(open.map(({ policy }) => policy)).not.toContain('monthly');
    const weekly = open.find(({ policy }) => policy === 'weekly');
    expect(weekly).toMatchObject({ workflowId: 'weekly-7', state: 'unknown', canSteer: false });
    expect(weekly?.reason).toMatch(
      new RegExp(
        "^Temporal has no such workflow open.*\\. This worker does not have policy weekly: it was removed from the configuration, or it is another worker's\\. " +
          `To stop the run: temporal workflow signal --name stop --namespace ${namespace} --workflow-id weekly-7$`,
      ),
    );
    expect(open.find(({ policy }) => policy === shop.name)?.reason ?? '').not.toContain(
      'this worker does not',
    );
    await shop.database.rows("delete from vacuum.run where policy in ('weekly', 'monthly')");
  });

  test('tells several databases apart', async () => {
    const url = shop.database.url.replace(/[^/]+$/, 'postgres');
    const both = await shop.serve('127.0.0.1:0', { TEST_SECOND_DATABASE_URL: url });
    const of = await DescribedApi.at(both.url);
    const { runs } = await of.get<Response<typeof runResponses.Runs>>('/api/runs?limit=2');
    expect(runs.map(({ database }) => database)).toEqual(['main', 'main']);
    expect((await of.get<Response<typeof runResponses.Runs>>('/api/runs?database=second')).runs).toEqual([]);
    expect(await of.ask('/api/runs/1')).toEqual({
      status: 400,
      body: { error: 'name the database: ?database= with one of main, second' },
    });
    expect((await of.ask('/api/runs/1?database=main')).status).toBe(200);
    expect((await of.ask('/api/runs/1?database=second')).status).toBe(404);
    const { tables } = await of.get<Response<typeof responses.Tables>>('/api/tables');
    expect(tables.map(({ database }) => database)).toEqual(['main', 'main', 'main']);
    api.said.push(...of.said);
    await both.end();
  });

  test('never says a row, a filter, a statement, a password or where the database is', () => {
    const text = api.said.join('\n');
    expect(api.said.length).toBeGreaterThan(30);
    const { host, pathname } = new URL(shop.database.url);
    const secrets = [
      ...Object.values(SECRETS),
      host,
      pathname.slice(1),
      'postgresql:',
      'select ',
      'delete from',
    ];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(worker.output).not.toContain('failed unexpectedly');
  });
});
