import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';

import { bundleApart } from './bundle-apart.ts';
import { VacuumPlugin } from './plugin.ts';
import type { Setup } from './setup.ts';

/** What {@link createVacuumWorker} needs. */
export interface VacuumWorkerOptions {
  readonly setup: Pick<Setup, 'databases' | 'policies' | 'ledgerSchema'>;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** See `VacuumPluginOptions.allowPercent`. */
  readonly allowPercent?: number | undefined;
  /** See `VacuumPluginOptions.place`. */
  readonly place?: string;
}

/** Parts of passes that run beside one another in one worker, over all its runs. */
const MOST_ACTIVITIES = 8;

/** A worker that does nothing but vacuum. */
export async function createVacuumWorker(options: VacuumWorkerOptions): Promise<Worker> {
  const { setup, connection, namespace, taskQueue, allowPercent, place } = options;
  const plugin = new VacuumPlugin({
    databases: setup.databases,
    policies: setup.policies,
    ...(setup.ledgerSchema === undefined ? {} : { ledgerSchema: setup.ledgerSchema }),
    ...(allowPercent === undefined ? {} : { allowPercent }),
    ...(place === undefined ? {} : { place }),
  });
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    plugins: [plugin],
    workflowBundle: await bundleApart(),
    maxConcurrentActivityTaskExecutions: MOST_ACTIVITIES,
    maxCachedWorkflows: 10,
  });
}
