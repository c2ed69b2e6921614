import type { Context } from '@temporalio/activity';
import { activityInfo, getClient } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import type { SliceRequest } from '../contract.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { findOpenRun } from '../ledger/runs.ts';
import type { OpenRun } from '../stored/run.ts';
import { FAILURE } from './failure.ts';

/** The id of the workflow that started this activity. */
export function currentWorkflowId(): string {
  const id = activityInfo().workflowExecution?.workflowId;
  if (id === undefined) throw new Error('the vacuum runs as activities of a workflow only');
  return id;
}

/**
 * Finds the Temporal that runs this activity: cluster and namespace. Only the Temporal that knows the workflow of a lease
 * can tell whether it is open.
 */
export async function findTemporalCluster(): Promise<string> {
  const { clusterId } = await getClient().workflowService.getClusterInfo({});
  return `${clusterId || 'unknown cluster'}/${activityInfo().namespace}`;
}

/** Finds the open run of a slice. Throws if it is not open, or belongs to another workflow. */
export async function findCurrentRun(ledger: Ledger, { run, policy }: SliceRequest): Promise<OpenRun> {
  let open: OpenRun | undefined;
  try {
    open = await findOpenRun(ledger, policy);
  } catch (error) {
    if ((await ledger.version()) !== 'missing') throw error;
  }
  // Whoever may start workflows can forge the second argument of the workflow: it may only name its own run.
  if (open?.id === run && open.workflowId === currentWorkflowId()) return open;
  throw (await isOwnRun(ledger, run)) ? createClosedFailure(run) : createElsewhereFailure(run);
}

/** Whether this workflow started a run of a ledger. */
export async function isOwnRun(ledger: Ledger, run: number): Promise<boolean> {
  if ((await ledger.version()) === 'missing') return false;
  return (await ledger.session.ledger.runs.findWorkflow(run)) === currentWorkflowId();
}

/**
 * Whether the workflow asks this activity to end with what it did. Throws if a worker shuts down or an operator
 * pauses the activity: a failure that Temporal tries again.
 */
export function shouldStop({ cancellationSignal, cancellationDetails }: Context): boolean {
  if (!cancellationSignal.aborted) return false;
  if (cancellationDetails?.cancelRequested === true) return true;
  if (cancellationDetails?.workerShutdown === true) {
    // A failure passes the last heartbeat on exactly; a cancelled activity would not be tried again at once.
    throw ApplicationFailure.create({
      message: 'this worker is shutting down; the slice continues after the last committed batch',
      type: FAILURE.yield,
      nextRetryDelay: '1s',
    });
  }
  throw cancellationSignal.reason;
}

/** Creates the failure of a slice whose run is over. */
export function createClosedFailure(run: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `run ${run} is not open: another run took its lease, or it was closed. Nothing more is deleted by it.`,
    FAILURE.closed,
  );
}

/** Attempts to find the worker with the database of a run. */
const MAX_WORKERS_TRIED = 8;

/**
 * Creates the failure of an activity that meets another database than its run began in. With `tryOthers` Temporal tries it
 * again for a while: another worker of the task queue may have that database.
 */
export function createElsewhereFailure(run: number, tryOthers = false): ApplicationFailure {
  const { taskQueue, namespace, attempt } = activityInfo();
  return ApplicationFailure.create({
    message:
      `run ${run} is not a run of this workflow in the ledger of this worker. Workers with different databases poll ` +
      `task queue ${taskQueue} of namespace ${namespace}, or the database was restored meanwhile. ` +
      'Give each environment a task queue or a namespace of its own. This worker deletes nothing for the run.',
    type: FAILURE.closed,
    nonRetryable: !tryOthers || attempt >= MAX_WORKERS_TRIED,
    nextRetryDelay: '1s',
  });
}
