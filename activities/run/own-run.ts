import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import type { SliceRequest } from '../contract.ts';
import { FAILURE } from '../failure.ts';
import type { Position } from '../ledger/batches.ts';
import { findPosition } from '../ledger/batches.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { findOpenRun } from '../ledger/runs.ts';
import { ownWorkflowId } from './place.ts';

/** The open run that a slice is of. Throws where it is not open, or of another workflow. */
export async function findOwnRun(ledger: Ledger, { run, policy }: SliceRequest): Promise<OpenRun> {
  const open = await findOpenRun(ledger, policy);
  // The workflow's second argument can be forged by whoever may start workflows: only its own run is its business.
  if (open?.id !== run || open.workflowId !== ownWorkflowId()) throw closed(run);
  return open;
}

/** An attempt that Temporal gave up may come to itself when the pass is rounds further; it has nothing to say. */
export async function findOwnPosition(
  ledger: Ledger,
  { run, pass, shard, round }: SliceRequest,
): Promise<Position | undefined> {
  const position = await findPosition(ledger, { run, pass, shard });
  if ((position?.round ?? 0) > round) throw closed(run);
  return position;
}

/**
 * Whether the workflow asks this activity to end with what it did. Throws where a worker goes down or an operator
 * pauses the activity: a failure that Temporal tries again.
 */
export function isAskedToStop({ cancellationSignal, cancellationDetails }: Context): boolean {
  if (!cancellationSignal.aborted) return false;
  if (cancellationDetails?.cancelRequested === true) return true;
  if (cancellationDetails?.workerShutdown === true) {
    // A failure hands the last heartbeat over exactly; a cancelled activity would not be tried again at once.
    throw ApplicationFailure.create({
      message: 'this worker is going down; the slice goes on after the last committed batch',
      type: FAILURE.yield,
      nextRetryDelay: '1s',
    });
  }
  throw cancellationSignal.reason;
}

/** The failure of a slice whose run is over. */
export function closed(run: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `run ${run} is not open: another run took its lease, or it was closed. Nothing more is deleted by it.`,
    FAILURE.closed,
  );
}
