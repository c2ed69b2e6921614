import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';

import type { Ledger } from '../ledger/ledger.ts';
import { closeTerminatedRun } from '../ledger/runs.ts';
import type { OpenRun, RunOwner } from '../stored/run.ts';
import { countEnd } from './metrics.ts';

/** The statuses of a workflow that is over. */
export const CLOSED: ReadonlySet<string> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
]);

/** The prefix of a Temporal server that lives only as long as a command does; the rest is the name of its task queue. */
export const EPHEMERAL = 'ephemeral:';

/** The prefix of a task queue that lives only as long as a command does, which holds a key of its name meanwhile. */
export const COMMAND_QUEUE = 'vacuum-run-';

/**
 * Closes a run that holds a policy's lease if its workflow ended without closing it, which frees the lease. Returns
 * whether it is over. No clock decides: Temporal knows whether the workflow is open.
 *
 * A run of another Temporal cluster cannot be asked for and keeps its lease, unless that cluster lived only as long
 * as a command whose session the database no longer has.
 */
export async function takeOverIfDead(ledger: Ledger, run: OpenRun, asker: RunOwner): Promise<boolean> {
  const isDead =
    run.temporal === asker.temporal
      ? await isWorkflowOver(ledger, run)
      : await isCommandOver(ledger, run.temporal);
  if (isDead && (await closeTerminatedRun(ledger, { run: run.id, workflowId: run.workflowId }))) {
    countEnd(run.policy, 'terminated');
  }
  return isDead;
}

/**
 * Asks Temporal for its state of the workflow, not visibility, which lags. A workflow of a command that was killed is open and
 * nobody will ever work on it: it is terminated.
 */
async function isWorkflowOver(ledger: Ledger, { workflowId, firstRunId }: OpenRun): Promise<boolean> {
  try {
    const handle = getClient().workflow.getHandle(workflowId, undefined, { firstExecutionRunId: firstRunId });
    const { status, raw, taskQueue } = await handle.describe();
    // The id may be in use again by another chain; then ours is over.
    if ((raw.workflowExecutionInfo?.firstRunId ?? firstRunId) !== firstRunId) return true;
    if (CLOSED.has(status.name)) return true;
    if (!taskQueue.startsWith(COMMAND_QUEUE)) return false;
    if (await ledger.session.isKeyHeld(ledger.lockKey(taskQueue))) return false;
    await handle.terminate('the command that worked on it has ended');
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

async function isCommandOver(ledger: Ledger, temporal: string): Promise<boolean> {
  if (!temporal.startsWith(EPHEMERAL)) return false;
  return !(await ledger.session.isKeyHeld(ledger.lockKey(temporal.slice(EPHEMERAL.length))));
}
