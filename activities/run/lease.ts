import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';

import type { Ledger } from '../ledger/ledger.ts';
import type { OpenRun, RunOwner } from '../ledger/runs.ts';
import { closeTerminatedRun } from '../ledger/runs.ts';
import { countEnd } from '../metrics/runs.ts';
import { isSessionAlive } from '../sql/fence.ts';

/** How Temporal calls a workflow that is over. */
export const CLOSED: ReadonlySet<string> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
]);

/** The prefix of the place of a Temporal server that lives only as long as a command does. */
export const EPHEMERAL = 'ephemeral:';

/**
 * Whether a run that holds a policy's lease is over without having been closed; then it is closed, and the lease is
 * free. No clock decides: Temporal says whether the workflow is open.
 *
 * A run of another Temporal cluster cannot be asked for and keeps its lease, unless that cluster lived only as long
 * as a command whose session the database no longer has.
 */
export async function takeOverIfDead(ledger: Ledger, run: OpenRun, asker: RunOwner): Promise<boolean> {
  const dead =
    run.temporal === asker.temporal ? await isWorkflowClosed(run) : await isCommandGone(ledger, run.temporal);
  if (dead && (await closeTerminatedRun(ledger, { run: run.id, workflowId: run.workflowId }))) {
    countEnd(run.policy, 'terminated');
  }
  return dead;
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

async function isCommandGone(ledger: Ledger, temporal: string): Promise<boolean> {
  return temporal.startsWith(EPHEMERAL) && !(await isSessionAlive(ledger.db, ledger.lockWords(temporal)));
}
