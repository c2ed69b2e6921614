import type { Tx } from '../dialect/dialect.ts';
import { isChained, needsLocks, selects } from '../dialect/needs-locks.ts';
import type { ScanTarget } from '../dialect/scan.ts';
import type { Condition, View } from '../dialect/view.ts';
import { listDeferredSteps, listTablesAlong } from '../resolve/children.ts';
import type { StoredExpireRows } from '../stored/pass.ts';
import type { BatchOutcome, BatchStep } from './batch-step.ts';
import type { ConditionPart } from './condition-parts.ts';
import { joinParts } from './condition-parts.ts';
import { addKeptRows } from './count-kept.ts';
import { deleteChildren } from './delete-children.ts';
import { deleteLocked } from './delete-locked.ts';
import { limitRows, toRecording, toScanStep } from './scan-step.ts';

/**
 * Deletes rows of a batch for which all parts are true, with what belongs to them: at once, or locked before. Counts what is
 * kept for holds or references.
 */
export async function deleteExpired(
  stored: StoredExpireRows,
  tx: Tx,
  step: BatchStep,
  parts: readonly ConditionPart[],
  view: View,
): Promise<BatchOutcome> {
  const work = mustLock(stored, step) ? expireLocked : expire;
  const outcome = await work(stored, tx, step, parts, view);
  const allParts = [...parts, ...fullGroupPart(stored, view)];
  return addKeptRows(
    tx,
    { table: stored.table, by: scanColumn(stored), parts: allParts },
    view,
    step,
    outcome,
  );
}

/** Finds and deletes rows in one statement. Neither locks them nor counts dependents before: a round trip less. */
async function expire(
  stored: StoredExpireRows,
  tx: Tx,
  step: BatchStep,
  parts: readonly ConditionPart[],
  view: View,
): Promise<BatchOutcome> {
  const { children, cascades, files, keeps, key } = stored;
  // What stays is judged by the statement itself, for all groups of a batch at once.
  const where = joinParts(parts, view, ['kept-newest', 'chained']);
  const target: ScanTarget = {
    ...scanTarget(stored, where),
    recording: toRecording(files, step),
    keeps: keeps === undefined ? undefined : { expiry: keeps, list: step.keepLast },
  };
  const isAlone =
    children.length === 0 && cascades.length === 0 && files === undefined && keeps === undefined;
  const limit = limitRows(step, isAlone ? 1 : step.rowsPerParent);
  const ownKey = children.length === 0 ? undefined : (key ?? undefined);
  const { rows, keys, filled, ...end } = await tx.scan.deleteRange(target, toScanStep(step, limit), ownKey);
  const moved = await deleteChildren(tx, children, keys, step);
  // Rows alone are read and deleted in one go: reading more for each wanted one would need a list of them.
  return { ...end, taken: rows, skipped: 0, moved, ...(isAlone || filled === undefined ? {} : { filled }) };
}

/** A group of which some newest rows are deleted stays whole: the part for that; empty without `keepLast`. */
function fullGroupPart({ keeps }: StoredExpireRows, view: View): ConditionPart[] {
  return keeps === undefined ? [] : [{ reason: 'kept-newest', test: view.isGroupFull(keeps) }];
}

/** Locks rows, judges them again, and deletes them with what belongs to them. */
async function expireLocked(
  stored: StoredExpireRows,
  tx: Tx,
  step: BatchStep,
  parts: readonly ConditionPart[],
  view: View,
): Promise<BatchOutcome> {
  const where = joinParts(parts, view, ['chained']);
  const deletable = joinParts([...parts, ...fullGroupPart(stored, view)], view, ['chained']);
  // If children may be deleted before their row, the row must be sure to follow.
  const isSure =
    step.lockFirst || stored.cleared !== undefined || stored.children.some((child) => child.beforeParent);
  const target = scanTarget(stored, isSure ? deletable : where);
  const limit = limitRows(step, step.rowsPerParent);
  const locked = await tx.scan.lockRange(target, toScanStep(step, limit), stored.key ?? undefined);
  const outcome = await deleteLocked(tx, stored, deletable, locked, step);
  return { ...outcome, filled: locked.candidates / limit };
}

/**
 * Whether rows must be locked before they are judged for good: a select in the condition is evaluated as of the start of
 * the statement; and if children are deleted first, their row must be sure to follow.
 */
function mustLock(stored: StoredExpireRows, { lockFirst, holds }: BatchStep): boolean {
  const { children, table, graph, deferred, watched, cleared } = stored;
  if (lockFirst || selects(stored) || isChained(stored)) return true;
  if (cleared !== undefined || children.some((child) => child.beforeParent)) return true;
  if (graph !== undefined || watched !== undefined) return true;
  const later = listDeferredSteps(deferred, []).map((step) => step.table);
  return needsLocks(holds, table, [...listTablesAlong(stored), ...later]);
}

function scanTarget(stored: StoredExpireRows, where: Condition): ScanTarget {
  return { table: stored.table, age: scanColumn(stored), ageIndex: stored.ageIndex, where };
}

/** The column by whose index a pass may scan; null if the age is the first of several columns. */
function scanColumn({ ages }: StoredExpireRows): StoredExpireRows['ages'][0] | null {
  return ages.length === 1 && ages[0].parent === undefined ? ages[0] : null;
}
