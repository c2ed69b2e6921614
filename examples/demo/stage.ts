import { Runtime } from '@temporalio/worker';
import { Client } from 'pg';

import { bring, find, TEMPORAL } from '../../test/support/parts/bring.ts';
import { startCluster } from '../../test/support/postgres/cluster.ts';
import { fillPrefect } from '../../test/support/prefect/fill.ts';
import { makeSchema } from '../../test/support/prefect/schema.ts';
import { note } from '../../worker/cli/output.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import { startDevServer } from '../../worker/dev-server.ts';
import { createLogger } from '../../worker/logger.ts';
import { findSetup } from '../../worker/setup.ts';
import { connectWorker } from '../../worker/temporal.ts';
import { createVacuumWorker } from '../../worker/vacuum-worker.ts';

/** Everything that the demo needs, on this machine and for as long as it lasts. */
export interface Stage {
  readonly databaseUrl: string;
  /** A session of that database. */
  readonly client: Client;
  readonly temporalAddress: string;
  readonly uiUrl: string;
  clear(): Promise<void>;
}

/** The runs of half a year, a few minutes apart, and logs of runs that somebody deleted by hand. */
const SIZE = {
  runs: 20_000,
  oldRuns: 12_000,
  logsPerRun: 20,
  tasksPerRun: 4,
  goneRuns: 2_000,
  logsPerGoneRun: 40,
};

type Clearing = (() => Promise<void>)[];

/** Starts PostgreSQL, fills it, and starts Temporal and a worker. */
export async function setStage(): Promise<Stage> {
  const clearing: Clearing = [];
  const clear = async (): Promise<void> => {
    for (const end of clearing.splice(0).toReversed()) await end();
  };
  try {
    // The first time, the download of the Temporal CLI goes on beside the filling.
    const [database, temporal] = await Promise.allSettled([startDatabase(clearing), startTemporal(clearing)]);
    if (database.status === 'rejected') throw database.reason;
    if (temporal.status === 'rejected') throw temporal.reason;
    const { url, client } = database.value;
    const { address, uiUrl = '' } = temporal.value;
    await startWorker(clearing, url, address);
    return { databaseUrl: url, client, temporalAddress: address, uiUrl, clear };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function startDatabase(clearing: Clearing): Promise<{ url: string; client: Client }> {
  note(`starting PostgreSQL and filling it with ${SIZE.runs} flow runs and all that hangs on them`);
  const cluster = await startCluster({ durable: true, settings: { shared_buffers: '512MB' } });
  clearing.push(async () => cluster.destroy());
  const url = cluster.url();
  const client = new Client(url);
  await client.connect();
  clearing.push(async () => client.end());
  await makeSchema(client, async () => fillPrefect(client, SIZE));
  await client.query('vacuum analyze');
  return { url, client };
}

async function startTemporal(clearing: Clearing): Promise<DevServer> {
  const missing = await bring(TEMPORAL);
  if (missing !== undefined) throw new Error(`the Temporal CLI cannot be installed: ${missing}`);
  const server = await startDevServer({ program: find(TEMPORAL), ui: true });
  clearing.push(async () => server.stop());
  return server;
}

async function startWorker(clearing: Clearing, url: string, address: string): Promise<void> {
  Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });
  const setup = await findSetup({ preset: 'prefect', url, set: ['enabled=true'] });
  const { connection, namespace } = await connectWorker({ address });
  clearing.push(async () => connection.close());
  const worker = await createVacuumWorker({ setup, connection, namespace, taskQueue: setup.taskQueue });
  const working = worker.run();
  clearing.push(async () => {
    worker.shutdown();
    await working;
  });
}
