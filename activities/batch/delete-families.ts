import type { RawBuilder } from 'kysely';

import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import type { BatchStep } from '../passes/pass.ts';
import { deletePlaces, stillQualifies } from '../sql/delete-rows.ts';
import { isHeld } from '../sql/holds.ts';
import { recordingOf } from '../sql/recording.ts';
import type { Span } from '../sql/span.ts';
import type { Tx } from '../sql/transaction.ts';
import { leaveTime } from '../sql/transaction.ts';
import type { Descent } from '../sql/weigh.ts';
import { deleteDescended, descendByCascades, descendToChildren, weigh } from '../sql/weigh.ts';
import { deleteChildren, emptyChild } from './delete-children.ts';
import type { Found } from './walk.ts';

/** A row's table and what belongs to its rows. */
export type Family = Pick<
  FrozenExpireRows,
  'table' | 'key' | 'children' | 'cascades' | 'emptying' | 'files'
> & {
  /** The age of a row of the table, over alias `t`. */
  readonly aged: RawBuilder<unknown>;
};

/** What became of the rows that a batch locked. */
export interface FamiliesDeleted {
  /** How many of the rows went, with all that belongs to them: the first so many. */
  readonly parents: number;
  /**
   * The first row owns too much for one transaction: some of its children went, the row is still there. Milliseconds
   * that their deletes took.
   */
  readonly emptiedIn?: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** From when to when the rows are; null where none went. */
  readonly span: Span | null;
}

/**
 * Deletes locked rows with their soft children, as many as are expected to fit into the time of a batch.
 *
 * Rows go before their children: a child's delete looks for rows that point at it and sets them null, and with the
 * row and its cascades gone there is nothing left to set (24 ms a batch became 6).
 */
export async function deleteFamilies(
  tx: Tx,
  frozen: Family,
  where: RawBuilder<boolean>,
  { places, keys }: Pick<Found, 'places' | 'keys'>,
  step: BatchStep,
): Promise<FamiliesDeleted> {
  const parents = await fitting(tx, frozen, places, step);
  const [place = ''] = places;
  if (parents === 0 && (await stillQualifies(tx, frozen.table, place, where))) {
    const started = performance.now();
    const { rows, moved } = await emptyGiant(tx, frozen, place, keys[0] ?? '', step);
    if (rows > 0) return { parents: 0, moved, span: null, emptiedIn: performance.now() - started };
  }
  return deleteWhole(tx, frozen, where, { places: places.slice(0, Math.max(1, parents)), keys }, step);
}

/** Deletes rows and all that belongs to them. */
async function deleteWhole(
  tx: Tx,
  frozen: Family,
  where: RawBuilder<boolean>,
  { places, keys }: Pick<Found, 'places' | 'keys'>,
  step: BatchStep,
): Promise<FamiliesDeleted> {
  const { key, children, table, files, aged } = frozen;
  const first = children.filter((child) => child.beforeParent);
  const then = children.filter((child) => !child.beforeParent);
  const own = keys.slice(0, places.length).filter((named) => named !== null);
  let moved = await deleteChildren(tx, first, own, step);
  await leaveTime(tx, step.deadline);
  const recording = recordingOf(files, step.outbox);
  const gone = await deletePlaces(tx, table, places, where, key === null ? [] : [key], recording, aged);
  if (gone.rows !== places.length && first.length > 0) {
    throw new Error('a trigger or a new hold kept rows whose children are gone; the batch is rolled back');
  }
  // The keys of what really went: a trigger may keep a row, and then its children stay too.
  moved += await deleteChildren(tx, then, gone.groups[0] ?? [], step);
  return { parents: places.length, moved, span: gone.span };
}

/**
 * How many of the rows, from the first, fit into the batch; 0 where the first alone is too big for any.
 *
 * Rows are weighed only after a batch took too long, which the guard of its statements found: with 102 rows a run,
 * weighing all of 22,628 runs made the pass 13 % slower.
 */
async function fitting(tx: Tx, frozen: Family, places: readonly string[], step: BatchStep): Promise<number> {
  const descents = descentsOf(frozen);
  if (descents.length === 0 || !step.careful) return places.length;
  const weights = await weigh(tx, frozen.table, places, descents, step.giant + 1);
  if ((weights[0] ?? 0) > step.giant) return 0;
  let total = 0;
  const over = weights.findIndex((weight) => (total += weight) > step.size);
  return over === -1 ? places.length : Math.max(1, over);
}

/**
 * Deletes a part of what belongs to one row, the deepest first. The row itself stays until the rest fits into one
 * transaction, so that nothing is ever left without its parent.
 */
async function emptyGiant(
  tx: Tx,
  frozen: Family,
  place: string,
  key: string,
  step: BatchStep,
): Promise<{ rows: number; moved: number }> {
  let left = step.bite;
  let moved = 0;
  for (const child of frozen.children) {
    if (left <= 0) break;
    const emptied = await emptyChild(tx, child, [key], left, step);
    moved += emptied.moved;
    left -= emptied.rows;
  }
  const descents = descendByCascades(frozen.cascades);
  for (const descent of frozen.emptying.map((n) => descents[n])) {
    if (left <= 0 || descent === undefined) break;
    await leaveTime(tx, step.deadline);
    left -= await deleteDescended(tx, frozen.table, place, descent, left, isHeld(step.holds, descent.table));
  }
  return { rows: step.bite - left, moved };
}

function descentsOf({ children, cascades, key }: Family): Descent[] {
  return [...(key === null ? [] : descendToChildren(children, key)), ...descendByCascades(cascades)];
}
