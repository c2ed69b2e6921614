import { fileURLToPath } from 'node:url';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import type { WorkerOptions } from '@temporalio/worker';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Pool } from 'pg';

import type { DatabaseSource } from '../../activities/ledger/database.ts';
import { METRICS, VACUUM_BUCKETS } from '../../activities/run/metric-definitions.ts';
import { FlowRun } from '../../policy/presets/prefect/index.ts';
import { VacuumPlugin } from '../../worker/plugin.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { greet } from '../support/host/activities.ts';
import { describeNeeding } from '../support/needing.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import { createHollow, reclaiming } from '../support/reclaim/hollow.ts';
import { expectTold, runTwice } from '../support/reclaim/two-runs.ts';
import { metricsAddress, scrape, parseSeries } from '../support/scrape.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

const HOST_WORKFLOWS = fileURLToPath(new URL('../support/host/workflows.ts', import.meta.url));
const logger = new DefaultLogger('ERROR', () => undefined);

const pluginFor = (main: DatabaseSource): VacuumPlugin =>
  new VacuumPlugin({ databases: { main }, policies: [prefectPolicy()] });

describeNeeding(['temporal'], 'the plugin', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  let exporter: string;

  beforeAll(async () => {
    exporter = await metricsAddress();
    // Another file of this process may have left one.
    await Runtime.instance().shutdown();
    // As docs/metrics.md tells hosts to.
    const prometheus = { bindAddress: exporter, histogramBucketOverrides: VACUUM_BUCKETS };
    Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { metrics: { prometheus } } });
  });
  beforeEach(async () => {
    database = await createDatabase();
    const rows = new PrefectRows(database);
    await rows.run({ logs: 2 });
    await rows.run({ logs: 2, ended: '1 day' });
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  async function withWorker<T>(
    options: Partial<WorkerOptions>,
    work: (taskQueue: string) => Promise<T>,
  ): Promise<T> {
    const connection = await NativeConnection.connect({ address: session.address });
    try {
      const taskQueue = session.queue();
      const worker = await Worker.create({ connection, taskQueue, ...options });
      return await worker.runUntil(work(taskQueue));
    } finally {
      await connection.close();
    }
  }

  async function expectVacuum(taskQueue: string): Promise<void> {
    const handle = await session.start(taskQueue);
    expect(await handle.result()).toMatchObject({ status: 'completed' });
    expect(await database.value('select count(*) from flow_run')).toBe(1);
    expect(await database.value('select count(*) from log')).toBe(2);
  }

  async function expectHost(taskQueue: string): Promise<void> {
    const { workflow } = await session.client();
    const call = async (type: string, args: unknown[]): Promise<unknown> =>
      workflow.execute(type, { taskQueue, workflowId: `host-${type}-${taskQueue}`, args });
    expect(await call('userFlow', ['world'])).toBe('hello world');
    expect(await call('whatever', [])).toBe('from the dynamic workflow');
  }

  test('alone, on a task queue of its own', async () => {
    await withWorker({ plugins: [pluginFor(database.url)] }, expectVacuum);
  });

  test('beside the workflows and activities of a host, bundled by the worker', async () => {
    const plugins = [pluginFor(database.url)];
    await withWorker({ plugins, workflowsPath: HOST_WORKFLOWS, activities: { greet } }, async (taskQueue) => {
      await expectHost(taskQueue);
      await expectVacuum(taskQueue);
    });
  });

  test('beside them in a bundle that the host built with it', async () => {
    const plugins = [pluginFor(database.url)];
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: HOST_WORKFLOWS, plugins, logger });
    await withWorker({ plugins, workflowBundle, activities: { greet } }, async (taskQueue) => {
      await expectHost(taskQueue);
      await expectVacuum(taskQueue);
    });
  });

  test('tells the exporter of the host what the runs did, in buckets that fit', async () => {
    const hollow = await createHollow('at the end', 3000);
    const plugins = [new VacuumPlugin({ databases: { main: hollow.url }, policies: [reclaiming()] })];
    await withWorker({ plugins, workflowsPath: HOST_WORKFLOWS, activities: { greet } }, async (taskQueue) => {
      await expectHost(taskQueue);
      const reports = await runTwice(session, taskQueue, hollow);
      const series = parseSeries(await scrape(exporter)).filter(
        ({ labels }) => labels['taskQueue'] === taskQueue,
      );
      expectTold(series, reports);
      const bounds = series.filter(({ name }) => name === `${METRICS.batchDuration.name}_bucket`);
      const ours = VACUUM_BUCKETS[METRICS.batchDuration.name] ?? [];
      expect(new Set(bounds.map(({ labels }) => labels['le']))).toEqual(
        new Set([...ours.map(String), '+Inf']),
      );
    });
    await hollow.drop();
  });

  test('registered twice, as on a connection and a worker', async () => {
    const plugin = pluginFor(database.url);
    const options = { plugins: [plugin, plugin], workflowsPath: HOST_WORKFLOWS, activities: { greet } };
    await withWorker(options, async (taskQueue) => {
      await expectHost(taskQueue);
      await expectVacuum(taskQueue);
    });
  });

  test('keeps a webpack hook of the host', async () => {
    let called = 0;
    await bundleWorkflowCode({
      workflowsPath: HOST_WORKFLOWS,
      plugins: [pluginFor(database.url)],
      logger,
      webpackConfigHook: (config) => {
        called += 1;
        return config;
      },
    });
    expect(called).toBe(1);
  });

  test('refuses a bundle that was built without it, and says what to do', async () => {
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: HOST_WORKFLOWS, logger });
    await expect(
      withWorker({ plugins: [pluginFor(database.url)], workflowBundle }, async () => undefined),
    ).rejects.toThrow('bundleWorkflowCode({ workflowsPath, plugins: [vacuumPlugin] })');
  });

  describe('opens its database', () => {
    const countSessions = async (): Promise<number> =>
      database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [database.name],
      );

    test('from a URL, and closes it with the worker', async () => {
      await withWorker({ plugins: [pluginFor(() => database.url)] }, async (taskQueue) => {
        await expectVacuum(taskQueue);
        expect(await countSessions()).toBeGreaterThan(0);
      });
      await waitFor('its sessions to end', async () => (await countSessions()) === 0);
    });

    test('from a URL with the driver of SQLAlchemy in it', async () => {
      const url = database.url.replace('postgresql:', 'postgresql+asyncpg:');
      await withWorker({ plugins: [pluginFor(url)] }, expectVacuum);
    });

    test('from a pool, and leaves it open', async () => {
      const pool = new Pool({ connectionString: database.url });
      await withWorker({ plugins: [pluginFor(async () => pool)] }, expectVacuum);
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await pool.end();
    });

    test('from a MikroORM, and leaves it open', async () => {
      const orm = await MikroORM.init({ clientUrl: database.url, entities: [FlowRun] });
      await withWorker({ plugins: [pluginFor(() => orm)] }, expectVacuum);
      expect(await orm.em.fork().count(FlowRun)).toBe(1);
      await orm.close();
    });
  });
});

describe('a plugin', () => {
  test('with two policies of one name is refused at once', () => {
    const policies = [prefectPolicy(), prefectPolicy()];
    expect(() => new VacuumPlugin({ databases: { main: 'postgresql://x' }, policies })).toThrow(
      'two policies have this name',
    );
  });
});
