import type { SliceRequest } from '../contract.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Position } from '../stored/batch.ts';
import { createClosedFailure } from './current-run.ts';

/**
 * Finds where a shard goes on, by its last batch in the ledger, whatever became of the worker that committed it; undefined if
 * there is none. Throws if the pass is in a later round: Temporal gave this attempt up long ago.
 */
export async function findResumePosition(
  ledger: Ledger,
  { run, pass, shard, round }: SliceRequest,
): Promise<Position | undefined> {
  const position = await ledger.session.ledger.batches.findLast({ run, pass, shard });
  if ((position?.round ?? 0) > round) throw createClosedFailure(run);
  return position;
}
