import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';

import { bundleInChild } from './bundle-in-child.ts';
import { VacuumPlugin } from './plugin.ts';
import type { Setup } from './setup.ts';

/** The options of {@link createVacuumWorker}. */
interface VacuumWorkerOptions {
  readonly setup: Pick<Setup, 'databases' | 'policies' | 'ledgerSchema'>;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** See `VacuumPluginOptions.allowPercent`. */
  readonly allowPercent?: number | undefined;
  /** See `VacuumPluginOptions.clusterId`. */
  readonly clusterId?: string;
}

/** The number of shards that one worker works on at the same time, over all its runs. */
const MAX_ACTIVITIES = 8;

/** Creates a worker that only runs vacuums. */
export async function createVacuumWorker(options: VacuumWorkerOptions): Promise<Worker> {
  const { setup, connection, namespace, taskQueue, allowPercent, clusterId } = options;
  const plugin = new VacuumPlugin({
    databases: setup.databases,
    policies: setup.policies,
    ...(setup.ledgerSchema === undefined ? {} : { ledgerSchema: setup.ledgerSchema }),
    ...(allowPercent === undefined ? {} : { allowPercent }),
    ...(clusterId === undefined ? {} : { clusterId }),
  });
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    plugins: [plugin],
    workflowBundle: await bundleInChild(),
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    maxCachedWorkflows: 10,
  });
}
