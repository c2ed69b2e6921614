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

/** The prefix of a Temporal server that lives only as long as a command does. */
export const EPHEMERAL = 'ephemeral:';

/**
 * Closes a run that holds a policy's lease if its workflow ended without closing it, which frees the lease. Returns
 * whether it is over. No clock decides: Temporal knows whether the workflow is open.
 *
 * A run of another Temporal cluster cannot be asked for and keeps its lease, unless that cluster lived only as long
 * as a command whose session the database no longer has.
 */
export async function takeOverIfDead(ledger: Ledger, run: OpenRun, asker: RunOwner): Promise<boolean> {
  const isDead =
    run.temporal === asker.temporal ? await isWorkflowClosed(run) : await isCommandOver(ledger, run.temporal);
  if (isDead && (await closeTerminatedRun(ledger, { run: run.id, workflowId: run.workflowId }))) {
    countEnd(run.policy, 'terminated');
  }
  return isDead;
}

/** Asks Temporal for its state of the workflow, not visibility, which lags. */
async function isWorkflowClosed({ workflowId, firstRunId }: OpenRun): Promise<boolean> {
  try {
    const { status, raw } = await getClient().workflow.getHandle(workflowId).describe();
    // The id may be in use again by another chain; then ours is over.
    if ((raw.workflowExecutionInfo?.firstRunId ?? firstRunId) !== firstRunId) return true;
    return CLOSED.has(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

async function isCommandOver(ledger: Ledger, temporal: string): Promise<boolean> {
  return temporal.startsWith(EPHEMERAL) && !(await ledger.session.isKeyHeld(ledger.lockKey(temporal)));
}
