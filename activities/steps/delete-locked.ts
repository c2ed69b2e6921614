import type { Tx } from '../dialect/dialect.ts';
import { isChained } from '../dialect/needs-locks.ts';
import type { LockedRows } from '../dialect/scan.ts';
import { endAfterRows } from '../dialect/shard-end.ts';
import type { Condition } from '../dialect/view.ts';
import type { BatchOutcome, BatchStep } from './batch-step.ts';
import { deleteChained } from './delete-chained.ts';
import type { DeletableTree } from './delete-trees.ts';
import { deleteTrees } from './delete-trees.ts';
import { countSkipped } from './scan-step.ts';

/** Deletes rows that a batch locked, if the condition is still true of them, with what belongs to them. */
export async function deleteLocked(
  tx: Tx,
  tree: DeletableTree,
  where: Condition,
  locked: LockedRows,
  step: BatchStep,
): Promise<BatchOutcome> {
  if (locked.locations.length === 0) return { ...locked.end, taken: 0, skipped: locked.candidates, moved: 0 };
  if (step.skipFirstRow) {
    return { ...endAfterRows(locked, 1), taken: 0, skipped: 1 + countSkipped(locked, 1), moved: 0 };
  }
  if (isChained(tree)) return deleteChained(tx, tree, where, locked, step);
  const done = await deleteTrees(tx, tree, where, locked, step);
  const { parents, moved, drainMillis, blocked = 0, refusals } = done;
  // The scan stays where it is, since the row is still there.
  if (drainMillis !== undefined)
    return { cursor: step.cursor, done: false, taken: 0, skipped: 0, moved, drainMillis };
  const skipped = countSkipped(locked, parents);
  const outcome = { ...endAfterRows(locked, parents), taken: parents - blocked, skipped, moved };
  return {
    ...outcome,
    ...(blocked === 0 ? {} : { blocked }),
    ...(refusals === undefined ? {} : { refusals }),
  };
}
