import type { Tx } from '../dialect/dialect.ts';
import { RowsKeptByTrigger } from '../dialect/kept-by-trigger.ts';
import type { LockedRows } from '../dialect/scan.ts';
import type { Condition } from '../dialect/view.ts';
import type { ClearedChild, RowGraph, RowTree, StoredPath } from '../stored/row-tree.ts';
import type { BatchOutcome, BatchStep } from './batch-step.ts';
import { clearReferences, deleteChildren, drainChild, repairPointers } from './delete-children.ts';
import type { LockedRow } from './isolate-rows.ts';
import { isolateRows, readRefusal } from './isolate-rows.ts';
import { toRecording } from './scan-step.ts';
import { verifyDeleted } from './verify-deleted.ts';

/** Rows with what is deleted along with them, and how. */
export interface DeletableTree
  extends
    Required<Omit<RowTree, 'graph' | 'watched' | 'cleared'>>,
    Pick<RowTree, 'graph' | 'watched' | 'cleared'> {
  /** The numbers of the cascades in the order in which an oversized row is drained. */
  readonly drainOrder: readonly number[];
  /** It is not drained, but deleted whole. */
  readonly undrained?: true;
  readonly files?: readonly StoredPath[];
}

/** What became of the rows that a batch locked. */
export interface DeletedTrees {
  /** How many of the rows were deleted, with all that belongs to them: the first so many. */
  readonly parents: number;
  /** The first row was oversized: some of its dependents were deleted, it is still there. The time of their deletes. */
  readonly drainMillis?: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** Of the rows, those that the database refused to delete; left out if it refused none. */
  readonly blocked?: number;
  readonly refusals?: BatchOutcome['refusals'];
}

/**
 * Deletes locked rows with their soft children, as many as are expected to fit into the time of a batch.
 *
 * Rows are deleted before their children: a child's delete looks for rows that point at it and sets them null, and with the
 * row and its cascades deleted there is nothing left to set (24 ms a batch became 6).
 */
export async function deleteTrees(
  tx: Tx,
  tree: DeletableTree,
  where: Condition,
  { locations, keys }: Pick<LockedRows, 'locations' | 'keys'>,
  step: BatchStep,
): Promise<DeletedTrees> {
  const parents = await countFitting(tx, tree, locations, step);
  const [location = ''] = locations;
  if (parents === 0 && tree.undrained !== true && (await tx.rows.isTrueAt(tree.table, location, where))) {
    const drained = await tryToDrain(tx, tree, location, keys[0] ?? '', step);
    if (drained !== undefined) return drained;
  }
  const rows = locations
    .slice(0, Math.max(1, parents))
    .map((at, n): LockedRow => ({ location: at, key: keys[n] ?? null }));
  if (!step.isolate) return { parents: rows.length, moved: await deleteWhole(tx, tree, where, rows, step) };
  const defersKeys = tree.graph !== undefined;
  const attempt: BatchStep['attempt'] = async (work) => step.attempt(work, defersKeys);
  const isolated = await isolateRows(rows, { attempt }, async (some) =>
    deleteWhole(tx, tree, where, some, step),
  );
  return { parents: rows.length, ...isolated };
}

/** Drains an oversized row. Undefined if nothing is left to drain; the row counts as blocked if the database refuses. */
async function tryToDrain(
  tx: Tx,
  tree: DeletableTree,
  location: string,
  key: string,
  step: BatchStep,
): Promise<DeletedTrees | undefined> {
  const started = performance.now();
  const drain = async (): Promise<{ rows: number; moved: number }> =>
    drainOversized(tx, tree, location, key, step);
  try {
    const { rows, moved } = await (step.isolate ? step.attempt(drain) : drain());
    return rows > 0 ? { parents: 0, moved, drainMillis: performance.now() - started } : undefined;
  } catch (error) {
    if (!step.isolate) throw error;
    return { parents: 1, moved: 0, blocked: 1, refusals: [readRefusal(error)] };
  }
}

/** Deletes rows and all that belongs to them. Returns how many pointers moved. */
async function deleteWhole(
  tx: Tx,
  tree: DeletableTree,
  where: Condition,
  rows: readonly LockedRow[],
  step: BatchStep,
): Promise<number> {
  const locations = rows.map(({ location }) => location);
  const remove = async (): Promise<DeletedTree> => deleteTree(tx, tree, where, rows, step);
  const { moved } = await verifyDeleted(tx, tree, locations, where, step, remove);
  return moved;
}

/** How many rows of the own table were deleted, and how many pointers moved. */
interface DeletedTree {
  readonly rows: number;
  readonly moved: number;
}

async function deleteTree(
  tx: Tx,
  tree: DeletableTree,
  where: Condition,
  rows: readonly LockedRow[],
  step: BatchStep,
): Promise<DeletedTree> {
  if (tree.graph !== undefined) return deleteRowGraph(tx, { ...tree, graph: tree.graph }, where, rows, step);
  const { key, children, table, files } = tree;
  const locations = rows.map(({ location }) => location);
  const first = children.filter((child) => child.beforeParent);
  const then = children.filter((child) => !child.beforeParent);
  const ownKeys = rows.flatMap((row) => row.key ?? []);
  const cleared = listOwnCleared(tree);
  const isFirst = first.length + cleared.length > 0;
  // What a condition reads may be deleted, or no longer reference the row, when the row itself is deleted: it is asked before.
  const isJudged = tree.undrained === true && cleared.length > 0;
  if (isJudged && (await tx.rows.lockAt(table, locations, where, null)).length !== locations.length) {
    throw new RowsKeptByTrigger('');
  }
  let moved = await deleteChildren(tx, first, ownKeys, step);
  await clearReferences(tx, cleared, ownKeys, step);
  await tx.enforceDeadline(step.deadline);
  const groups = key === null ? [] : [key];
  const still = isJudged ? tx.view().all([]) : where;
  const deleted = await tx.rows.deleteAt(table, locations, still, groups, toRecording(files, step));
  if (deleted.rows !== locations.length && isFirst) {
    throw new RowsKeptByTrigger('');
  }
  // The keys of what was really deleted: a trigger may keep a row, and then its children stay too.
  moved += await deleteChildren(tx, then, deleted.groups[0] ?? [], step);
  return { rows: deleted.rows, moved };
}

async function deleteRowGraph(
  tx: Tx,
  { table, cascades, graph, watched }: RowTree & { readonly graph: RowGraph },
  where: Condition,
  rows: readonly LockedRow[],
  step: BatchStep,
): Promise<DeletedTree> {
  const locations = rows.map(({ location }) => location);
  const tree = { table, cascades, graph, watched };
  await tx.rows.lockGraph(tree, locations, where);
  await tx.enforceDeadline(step.deadline);
  const deleted = await tx.rows.deleteGraph(tree, locations, where, step.outbox);
  let moved = 0;
  for (const { table: target, pointers } of graph.tables) {
    moved += await repairPointers(tx, pointers, deleted.groups(target.label), step);
  }
  return { rows: deleted.rows, moved };
}

/**
 * How many of the rows, from the first, fit into the batch; 0 if the first alone is too large for any.
 *
 * Dependents are counted only after a batch took too long, which the limit of its statements found: with 102 rows a run,
 * counting those of all 22,628 runs made the pass 13 % slower.
 */
async function countFitting(
  tx: Tx,
  tree: DeletableTree,
  locations: readonly string[],
  step: BatchStep,
): Promise<number> {
  const isAlone =
    tree.cascades.length + listOwnCleared(tree).length === 0 &&
    (tree.key === null || tree.children.length === 0);
  if (isAlone || !step.lockFirst) return locations.length;
  const counts = await tx.rows.countDependents(tree, locations, step.oversized + 1);
  if ((counts[0] ?? 0) > step.oversized) return 0;
  let total = 0;
  const over = counts.findIndex((count) => (total += count) > step.size);
  return over === -1 ? locations.length : Math.max(1, over);
}

/**
 * Deletes a part of what belongs to one row, the deepest first. The row itself stays until the rest fits into one
 * transaction, so that nothing is ever left without its parent.
 */
async function drainOversized(
  tx: Tx,
  tree: DeletableTree,
  location: string,
  key: string,
  step: BatchStep,
): Promise<{ rows: number; moved: number }> {
  let left = step.chunk;
  let moved = 0;
  for (const child of tree.children) {
    if (left <= 0) break;
    const drained = await drainChild(tx, child, [key], left, step);
    moved += drained.moved;
    left -= drained.rows;
  }
  for (const n of tree.drainOrder) {
    if (left <= 0) break;
    await tx.enforceDeadline(step.deadline);
    left -= await tx.rows.deleteDependents(tree, location, n, left, step.holds);
  }
  left -= await clearReferences(tx, listOwnCleared(tree), [key], step, left);
  return { rows: step.chunk - left, moved };
}

/** What references the rows themselves and is set to null. */
function listOwnCleared({ cleared = [], table }: RowTree): ClearedChild[] {
  return cleared.filter(({ parent }) => parent.label === table.label);
}
