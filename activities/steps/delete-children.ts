import type { Tx } from '../dialect/dialect.ts';
import { RowsKeptByTrigger } from '../dialect/kept-by-trigger.ts';
import type { DeletedRows } from '../dialect/rows.ts';
import type { Condition } from '../dialect/view.ts';
import type { ColumnName } from '../stored/columns.ts';
import type { ClearedChild, StoredChild, StoredPointer } from '../stored/row-tree.ts';
import type { BatchStep } from './batch-step.ts';
import { toRecording } from './scan-step.ts';

type Step = Pick<BatchStep, 'deadline' | 'holds' | 'outbox'>;

/** Deletes the soft children of some rows, with what belongs to those. Returns how many pointers moved. */
export async function deleteChildren(
  tx: Tx,
  children: readonly StoredChild[],
  keys: readonly string[],
  step: Step,
): Promise<number> {
  let moved = 0;
  for (const child of children) {
    await tx.enforceDeadline(step.deadline);
    moved += await deleteChild(tx, child, keys, step);
  }
  return moved;
}

/** The keys travel as text; what they are compared as. */
function keyType({ by, parentKey, as }: Pick<StoredChild, 'by' | 'parentKey' | 'as'>): ColumnName {
  return as === undefined ? parentKey : by;
}

async function deleteChild(tx: Tx, child: StoredChild, keys: readonly string[], step: Step): Promise<number> {
  const { own, pointers } = child;
  const groups = listGroups(pointers);
  const which = selectRows(tx, child, step);
  const recording = toRecording(child.files, step);
  if (own === undefined) {
    const owned = { ...child, keys, key: keyType(child), which };
    const deleted = await tx.rows.deleteOwned(owned, groups, recording);
    return repairPointers(tx, pointers, deleted.groups, step);
  }
  const first = own.children.filter((grandchild) => grandchild.beforeParent);
  const then = own.children.filter((grandchild) => !grandchild.beforeParent);
  let moved = 0;
  let owned = { by: child.by, keys, key: keyType(child) };
  const { cleared = [] } = own;
  const isFirst = first.length + cleared.length > 0;
  if (isFirst) {
    const locked = await tx.rows.lockOwned({ table: child.table, ...owned, which }, own.key);
    owned = { by: own.key, keys: locked, key: own.key };
    moved += await deleteChildren(tx, first, owned.keys, step);
    await clearReferences(tx, cleared, owned.keys, step);
  }
  const deleted = await tx.rows.deleteOwned(
    { table: child.table, ...owned, which },
    [...groups, own.key],
    recording,
  );
  const deletedKeys = deleted.groups.at(-1) ?? [];
  if (isFirst && deletedKeys.length !== owned.keys.length) {
    throw new RowsKeptByTrigger('');
  }
  moved += await deleteChildren(tx, then, deletedKeys, step);
  return moved + (await repairPointers(tx, pointers, deleted.groups, step));
}

/**
 * Which of the rows that belong to some keys are deleted; undefined for all. What a hold names stays whatever becomes of its
 * parent: it may have come after the parent was judged.
 */
function selectRows(
  tx: Tx,
  { table, cascades, own, where }: StoredChild,
  { holds }: Step,
): Condition | undefined {
  const view = tx.view({ holds });
  const notHeld = view.isNotHeld({ table, cascades, ...own });
  if (where === undefined) return notHeld;
  return view.all([view.matches(where), ...(notHeld === undefined ? [] : [notHeld])]);
}

/** Deletes at most so many rows of what belongs to some keys, the deepest first. Returns how many. */
export async function drainChild(
  tx: Tx,
  child: StoredChild,
  keys: readonly string[],
  limit: number,
  step: Step,
): Promise<{ rows: number; moved: number }> {
  const { own, pointers } = child;
  const which = selectRows(tx, child, step);
  let left = limit;
  let moved = 0;
  let owned = { by: child.by, keys, key: keyType(child) };
  if (own !== undefined) {
    const locked = await tx.rows.lockOwned({ table: child.table, ...owned, which, limit }, own.key);
    owned = { by: own.key, keys: locked, key: own.key };
    for (const grandchild of own.children) {
      const drained = await drainChild(tx, grandchild, owned.keys, left, step);
      left -= drained.rows;
      moved += drained.moved;
      // A child is deleted only once everything that belongs to it is.
      if (left <= 0) return { rows: limit - left, moved };
    }
    left -= await clearReferences(tx, own.cleared ?? [], owned.keys, step, left);
    if (left <= 0) return { rows: limit - left, moved };
  }
  await tx.enforceDeadline(step.deadline);
  const deleted = await tx.rows.deleteOwned(
    { table: child.table, ...owned, which, limit: left },
    listGroups(pointers),
    toRecording(child.files, step),
  );
  moved += await repairPointers(tx, pointers, deleted.groups, step);
  return { rows: limit - left + deleted.rows, moved };
}

/** Sets references to some rows to null, at most so many. Returns how many. */
export async function clearReferences(
  tx: Tx,
  cleared: readonly ClearedChild[],
  keys: readonly string[],
  step: Pick<Step, 'deadline'>,
  limit?: number,
): Promise<number> {
  let rows = 0;
  for (const child of cleared) {
    const left = limit === undefined ? undefined : limit - rows;
    if (left !== undefined && left <= 0) break;
    await tx.enforceDeadline(step.deadline);
    const which = child.where === undefined ? undefined : tx.view().matches(child.where);
    rows += await tx.rows.clearOwned({ ...child, keys, key: keyType(child), which, limit: left });
  }
  return rows;
}

/** The columns by which pointers at a table are grouped. */
export function listGroups(pointers: readonly StoredPointer[]): ColumnName[] {
  return pointers.map((pointer) => pointer.targetGroup);
}

/** Repairs the pointers at targets that were deleted. Returns how many moved. */
export async function repairPointers(
  tx: Tx,
  pointers: readonly StoredPointer[],
  groups: DeletedRows['groups'],
  { holds }: Pick<BatchStep, 'holds'>,
): Promise<number> {
  let moved = 0;
  for (const [n, pointer] of pointers.entries()) {
    const { holder: table, cascades } = pointer;
    const holders = await tx.rows.lockHolders(pointer, groups[n] ?? []);
    moved += await tx.rows.repointHolders(
      pointer,
      holders,
      tx.view({ holds }).isNotHeld({ table, cascades }),
    );
  }
  return moved;
}
