import type { RawBuilder } from 'kysely';

import type { BatchStep } from '../passes/pass.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import type { Removed } from '../sql/delete-rows.ts';
import { deleteOwned, lockOwned } from '../sql/delete-rows.ts';
import { isFree } from '../sql/free.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import { freeHolders, lockHoldersOf, repairHolders } from '../sql/pointers.ts';
import { recordingOf } from '../sql/recording.ts';
import type { Tx } from '../sql/transaction.ts';
import { leaveTime } from '../sql/transaction.ts';

type Step = Pick<BatchStep, 'deadline' | 'holds' | 'outbox'>;

/** Deletes the soft children of some rows, with what belongs to those. Answers how many pointers moved. */
export async function deleteChildren(
  tx: Tx,
  children: readonly FrozenChild[],
  keys: readonly string[],
  step: Step,
): Promise<number> {
  let moved = 0;
  for (const child of children) {
    await leaveTime(tx, step.deadline);
    moved += await deleteChild(tx, child, keys, step);
  }
  return moved;
}

async function deleteChild(tx: Tx, child: FrozenChild, keys: readonly string[], step: Step): Promise<number> {
  const { own, pointers } = child;
  const groups = groupsOf(pointers);
  const free = freeChild(child, step);
  const recording = recordingOf(child.files, step.outbox);
  if (own === undefined) {
    return repair(tx, pointers, await deleteOwned(tx, { ...child, keys, free }, groups, recording), step);
  }
  const first = own.children.filter((grandchild) => grandchild.beforeParent);
  const then = own.children.filter((grandchild) => !grandchild.beforeParent);
  let moved = 0;
  let owned = { by: child.by, keys };
  if (first.length > 0) {
    owned = { by: own.key, keys: await lockOwned(tx, { ...child, keys, free }, own.key) };
    moved += await deleteChildren(tx, first, owned.keys, step);
  }
  const removed = await deleteOwned(
    tx,
    { table: child.table, ...owned, free },
    [...groups, own.key],
    recording,
  );
  const gone = removed.groups.at(-1) ?? [];
  if (first.length > 0 && gone.length !== owned.keys.length) {
    throw new Error('a trigger or a new hold kept children whose own are gone; the batch is rolled back');
  }
  moved += await deleteChildren(tx, then, gone, step);
  return moved + (await repair(tx, pointers, removed, step));
}

/** What a hold names stays whatever becomes of its row: it may have come after its row was judged. */
function freeChild({ table, cascades, own }: FrozenChild, { holds }: Step): RawBuilder<boolean> | undefined {
  return isFree(holds, { table, cascades, ...own });
}

/** Deletes at most so many rows of what belongs to some keys, the deepest first. Answers how many went. */
export async function emptyChild(
  tx: Tx,
  child: FrozenChild,
  keys: readonly string[],
  most: number,
  step: Step,
): Promise<{ rows: number; moved: number }> {
  const { own, pointers } = child;
  const free = freeChild(child, step);
  let left = most;
  let moved = 0;
  let owned = { by: child.by, keys };
  if (own !== undefined) {
    owned = { by: own.key, keys: await lockOwned(tx, { ...child, keys, free, limit: most }, own.key) };
    for (const grandchild of own.children) {
      const emptied = await emptyChild(tx, grandchild, owned.keys, left, step);
      left -= emptied.rows;
      moved += emptied.moved;
      // A child goes only once everything that belongs to it is gone.
      if (left <= 0) return { rows: most - left, moved };
    }
  }
  await leaveTime(tx, step.deadline);
  const removed = await deleteOwned(
    tx,
    { table: child.table, ...owned, free, limit: left },
    groupsOf(pointers),
    recordingOf(child.files, step.outbox),
  );
  return { rows: most - left + removed.rows, moved: moved + (await repair(tx, pointers, removed, step)) };
}

/** The columns by which pointers at a table are grouped. */
export function groupsOf(pointers: readonly FrozenPointer[]): FrozenPointer['targetGroup'][] {
  return pointers.map((pointer) => pointer.targetGroup);
}

/** Repairs the pointers at targets that went. */
export async function repair(
  tx: Tx,
  pointers: readonly FrozenPointer[],
  { groups }: Removed,
  { holds }: Pick<BatchStep, 'holds'>,
): Promise<number> {
  let moved = 0;
  for (const [n, pointer] of pointers.entries()) {
    const holders = await lockHoldersOf(tx, pointer, groups[n] ?? []);
    moved += await repairHolders(tx, pointer, holders, freeHolders(holds, pointer));
  }
  return moved;
}
