import type { RawBuilder } from 'kysely';

import type { BatchOutcome, BatchStep } from '../passes/pass.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Family } from './delete-families.ts';
import { deleteFamilies } from './delete-families.ts';
import type { Found } from './walk.ts';
import { advance, skippedOf } from './walk.ts';

/** The walk stays where it is, since the row is still there. */
const STAYS = { end: false, taken: 0, skipped: 0 } as const;

/** Deletes rows that a batch locked, where they still qualify, with what belongs to them. */
export async function deletePicked(
  tx: Tx,
  family: Family,
  where: RawBuilder<boolean>,
  picked: Found,
  step: BatchStep,
): Promise<BatchOutcome> {
  if (picked.places.length === 0) {
    return { ...advance(picked, 0), taken: 0, skipped: picked.candidates, moved: 0 };
  }
  if (step.passOver) {
    return { ...advance(picked, 1), taken: 0, skipped: 1 + skippedOf(picked, 1), moved: 0 };
  }
  const { parents, moved, span, emptiedIn } = await deleteFamilies(tx, family, where, picked, step);
  if (emptiedIn !== undefined) return { ...STAYS, cursor: step.cursor, moved, emptiedIn };
  const skipped = skippedOf(picked, parents);
  return { ...advance(picked, parents), taken: parents, skipped, moved, span };
}
