import { randomUUID } from 'node:crypto';

import type { Client, WorkflowHandle } from '@temporalio/client';
import { isGrpcServiceError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';

import type { RunReport, VacuumInput } from '../activities/contract.ts';
import type { Database } from '../activities/ledger/database.ts';
import { COMMAND_QUEUE, EPHEMERAL } from '../activities/run/lease.ts';
import { startDevServer } from './dev-server.ts';
import type { Setup } from './setup.ts';
import type { TemporalClient, TemporalOptions } from './temporal.ts';
import { connectClient, connectWorker } from './temporal.ts';
import { createVacuumWorker } from './vacuum-worker.ts';

/** The options of {@link runOnce}. */
interface RunOnceOptions {
  readonly setup: Setup;
  /** The open database of the policy. The command holds a lock there while it lives. */
  readonly database: Database;
  readonly input: VacuumInput;
  /** See `VacuumPluginOptions.allowPercent`. */
  readonly allowPercent?: number | undefined;
  /** `dev` starts a Temporal dev server for the run. */
  readonly temporal: 'dev' | TemporalOptions;
  /** Called after the workflow has started. */
  readonly onStarted: (handle: WorkflowHandle) => void;
}

/** How the workflow of a run ended. */
export type RunOutcome =
  | { readonly report: RunReport }
  | { readonly failure: ApplicationFailure }
  | { readonly ended: 'cancelled' | 'terminated' };

/** Runs a policy once, with a worker in this process and a task queue of its own. */
export async function runOnce(options: RunOnceOptions): Promise<RunOutcome> {
  const taskQueue = `${COMMAND_QUEUE}${randomUUID()}`;
  // If this process dies, nobody can say that the run is over: the end of this session does.
  const { session, ledger } = options.database;
  const release = await session.holdKey(ledger.lockKey(taskQueue));
  try {
    if (options.temporal !== 'dev') return await runOn(options, options.temporal, taskQueue);
    const server = await startDevServer();
    try {
      const temporal = { address: server.address, own: true };
      return await runOn(options, temporal, taskQueue, `${EPHEMERAL}${taskQueue}`);
    } finally {
      await server.stop();
    }
  } finally {
    await release();
  }
}

async function runOn(
  options: RunOnceOptions,
  temporal: TemporalOptions,
  taskQueue: string,
  clusterId?: string,
): Promise<RunOutcome> {
  const { connection, namespace } = await connectWorker(temporal);
  let client: TemporalClient | undefined;
  try {
    client = await connectClient(temporal);
    const worker = await createVacuumWorker({
      setup: options.setup,
      connection,
      namespace,
      taskQueue,
      allowPercent: options.allowPercent,
      ...(clusterId === undefined ? {} : { clusterId }),
    });
    const started = client.client;
    return await worker.runUntil(async () => follow(started, taskQueue, options));
  } finally {
    await client?.close();
    await connection.close();
  }
}

async function follow(
  client: Client,
  taskQueue: string,
  { input, onStarted }: RunOnceOptions,
): Promise<RunOutcome> {
  const handle = await client.workflow.start('vacuum', {
    taskQueue,
    workflowId: `vacuum-${input.policy ?? 'run'}-${randomUUID()}`,
    args: [input],
    staticSummary: `Vacuum from the command line: policy ${input.policy ?? ''}`,
  });
  onStarted(handle);
  try {
    return { report: (await handle.result()) as RunReport };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) return { ended: 'cancelled' };
    if (error.cause instanceof TerminatedFailure) return { ended: 'terminated' };
    if (error.cause instanceof ApplicationFailure) return { failure: error.cause };
    throw error;
  }
}

/** Cancels a run, which ends after its current batch. Does nothing if it is closed. */
export async function cancelRun(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.cancel();
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
  }
}
