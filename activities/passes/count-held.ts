import type { Tx } from '../dialect/dialect.ts';
import type { Condition } from '../dialect/view.ts';
import type { ColumnName, TableName } from '../stored/columns.ts';
import type { BatchOutcome, BatchStep } from './pass.ts';
import { toScanStep } from './scan-limit.ts';

/** What a batch scanned, for counting what holds kept in it. */
export interface HeldTarget {
  readonly table: TableName;
  /** The column of a scan by index; null if there is none. */
  readonly by: ColumnName | null;
  /** Which rows are deletable but for holds. */
  readonly where: Condition;
  /** Those that no hold keeps; undefined if there are no holds. */
  readonly notHeld: Condition | undefined;
}

/**
 * Adds to a batch how many rows of the part that it scanned only holds keep. In the transaction of the batch, so that each
 * is counted once, however batches are cut. Costs nothing without holds.
 */
export async function addHeldRows(
  tx: Tx,
  { table, by, where, notHeld }: HeldTarget,
  step: BatchStep,
  outcome: BatchOutcome,
): Promise<BatchOutcome> {
  if (notHeld === undefined) return outcome;
  const view = tx.view();
  const target = { table, by, where: view.all([where, view.not(notHeld)]) };
  return { ...outcome, held: await tx.scan.countRange(target, toScanStep(step, 0), outcome) };
}
