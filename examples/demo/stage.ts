import { Runtime } from '@temporalio/worker';

import { bring, find, TEMPORAL } from '../../test/support/parts/bring.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import { startDevServer } from '../../worker/dev-server.ts';
import { createLogger } from '../../worker/logger.ts';
import { findSetup } from '../../worker/setup.ts';
import { connectWorker } from '../../worker/temporal.ts';
import { createVacuumWorker } from '../../worker/vacuum-worker.ts';
import type { DemoDatabase } from './database.ts';

/** Everything that the demo needs, on this machine and for as long as it lasts. */
export interface Stage {
  readonly database: DemoDatabase;
  readonly temporalAddress: string;
  readonly uiUrl: string;
  clear(): Promise<void>;
}

type Clearing = (() => Promise<void>)[];

/** Makes a database, and starts Temporal and a worker. */
export async function setStage(makeDatabase: () => Promise<DemoDatabase>): Promise<Stage> {
  const clearing: Clearing = [];
  const clear = async (): Promise<void> => {
    for (const end of clearing.splice(0).toReversed()) await end();
  };
  try {
    // The first time, the download of the Temporal CLI goes on beside the filling.
    const [database, temporal] = await Promise.allSettled([makeDatabase(), startTemporal(clearing)]);
    if (database.status === 'rejected') throw database.reason;
    clearing.push(async () => database.value.remove());
    if (temporal.status === 'rejected') throw temporal.reason;
    const { address, uiUrl = '' } = temporal.value;
    await startWorker(clearing, database.value.url, address);
    return { database: database.value, temporalAddress: address, uiUrl, clear };
  } catch (error) {
    await clear();
    throw error;
  }
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
