import type { Tx } from '../dialect/dialect.ts';
import type { Condition, View } from '../dialect/view.ts';
import type { ColumnName, TableName } from '../stored/columns.ts';
import type { BatchOutcome, BatchStep } from './batch-step.ts';
import type { ConditionPart } from './condition-parts.ts';
import { findNotHeld, findNotReferenced, joinParts } from './condition-parts.ts';
import { toScanStep } from './scan-step.ts';

/** What a batch scanned, for counting what was kept in it. */
interface KeptTarget {
  readonly table: TableName;
  /** The column of a scan by index; null if there is none. */
  readonly by: ColumnName | null;
  readonly parts: readonly ConditionPart[];
}

/**
 * Adds to a batch how many rows of the part that it scanned only holds keep, and how many only rows that reference them. In
 * the transaction of the batch, so that each is counted once, however batches are cut. Costs nothing without either.
 */
export async function addKeptRows(
  tx: Tx,
  { parts, ...target }: KeptTarget,
  view: View,
  step: BatchStep,
  outcome: BatchOutcome,
): Promise<BatchOutcome> {
  const count = async (where: Condition, test: Condition): Promise<number> => {
    const kept = { ...target, where: view.all([where, view.not(test)]) };
    return tx.scan.countRange(kept, toScanStep(step, 0), outcome);
  };
  const notHeld = findNotHeld(parts);
  const free = findNotReferenced(parts);
  const held =
    notHeld === undefined ? undefined : await count(joinParts(parts, view, ['held', 'chained']), notHeld);
  // A row that is held as well is counted here alone.
  const referenced =
    free === undefined ? 0 : await count(joinParts(parts, view, ['held', 'forbidden', 'chained']), free);
  const blocked = referenced + (outcome.blocked ?? 0);
  return {
    ...outcome,
    ...(held === undefined ? {} : { held }),
    ...(blocked === 0 ? {} : { blocked }),
    ...(referenced === 0 ? {} : { isReferenced: true }),
  };
}
