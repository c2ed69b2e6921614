import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { DeleteOrphans } from '../../policy/delete-orphans.ts';
import { parseDuration } from '../../policy/duration.ts';
import type { Waiting } from '../backlog/backlog.ts';
import { withHeld } from '../batch/count-held.ts';
import { afterKey, keyOf } from '../batch/cursor.ts';
import { groupsOf, repair } from '../batch/delete-children.ts';
import { endOfPages, limitOf, pagesOf, reached } from '../batch/walk.ts';
import type { Asked, ConditionPart, Explained } from '../explain/condition.ts';
import { explained, pastGraceParts } from '../explain/conditions.ts';
import type { CascadeStep } from '../plan/cascades.ts';
import { cascadesFrom, distinctTables } from '../plan/cascades.ts';
import { freezePointer } from '../plan/freeze-pointer.ts';
import { horizonOf, laterBy } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { nameOf } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import { hasIndexOn } from '../plan/strategy.ts';
import { previewOrphans } from '../preview/orphans.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { Orphaned } from '../sql/delete-orphaned.ts';
import { deleteOrphaned, hasNoParent, pickOrphaned } from '../sql/delete-orphaned.ts';
import { deletePlaces } from '../sql/delete-rows.ts';
import { isFree, unheld } from '../sql/free.ts';
import type { Holds } from '../sql/holds.ts';
import { mustLock } from '../sql/holds.ts';
import { findOrphanedKeys } from '../sql/loose-index.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { castTo, columnOf } from '../sql/names.ts';
import type { Picked } from '../sql/picked.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import type { Predicate } from '../sql/predicate.ts';
import { bindPredicate } from '../sql/predicate.ts';
import { sampleSpan, sampleSpanOfKeys } from '../sql/sample-span.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork, Shard } from './pass.ts';

/** A `deleteOrphans` pass as a run keeps it. */
export interface FrozenDeleteOrphans extends FrozenPass {
  readonly kind: 'deleteOrphans';
  readonly by: ColumnName;
  readonly parent: TableName;
  readonly parentKey: ColumnName;
  /** Distinct parents that are expected to be named. */
  readonly keys: number;
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly pointers: readonly FrozenPointer[];
  readonly cascades: readonly CascadeStep[];
}

type Taken = Pick<BatchOutcome, 'taken' | 'moved' | 'span'>;

/** A statement looks at no more distinct keys than this: 45 ms at 11 us each. */
const MOST_KEYS = 4096;

/** Rows whose parent is gone, once they are older than a grace period. */
export const deleteOrphansWork: PassWork<DeleteOrphans, FrozenDeleteOrphans> = {
  kind: 'deleteOrphans',

  freeze(pass: DeleteOrphans, scope: Scope): FrozenDeleteOrphans | undefined {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const parent = scope.table(pass.parent, ['select']);
    const by = scope.column(pass.entity, table, pass.by, 'by');
    const parentKey = scope.key(pass.parent, parent);
    const age = scope.ageColumn(pass.entity, table, pass.age);
    const where = scope.predicate(pass.entity, pass.where);
    const pointers = pass.repoint.map((pointer) => freezePointer(pointer, scope));
    if (table === undefined || parent === undefined || by === undefined) return undefined;
    if (parentKey === undefined || age === undefined) return undefined;
    scope.comparable(pass.entity, pass.by, by, parentKey);
    if (parent.oid === table.oid) {
      return scope.mistake(
        `entity ${scope.entities.name(pass.entity)} is its own parent: each row that goes would make others orphans`,
        'Use expireRows with nestedBy, or let the database cascade',
      );
    }
    if (!pointers.every((pointer) => pointer !== undefined)) return undefined;

    const cascades = cascadesFrom(scope.catalog, table);
    const others = [...cascades.map((step) => step.table), ...pointers.map((pointer) => pointer.holder)];
    return {
      kind: 'deleteOrphans',
      table: nameOf(table),
      counted: distinctTables([table, ...others]),
      familySize: 1,
      by,
      parent: nameOf(parent),
      parentKey,
      // Statistics take far too few distinct values from rows that lie together; there are as many as parents.
      keys: Math.max(table.columns.get(by.name)?.distinct ?? 0, parent.rows ?? 0),
      age,
      horizon: horizonOf(scope.now, parseDuration(pass.grace) ?? Number.NaN, age),
      where,
      pointers,
      cascades,
    };
  },

  plan(frozen: FrozenDeleteOrphans, table: CatalogTable, shards: number): WalkChoice {
    const { by, keys, horizon } = frozen;
    const byKey = { strategy: 'loose-index', column: by, keys, until: horizon } as const;
    return {
      table,
      where: isOrphan(frozen),
      shards,
      ...(hasIndexOn(table, by) ? { index: byKey } : {}),
    };
  },

  preview(frozen: FrozenDeleteOrphans, script: PreviewScript): void {
    previewOrphans(frozen, pastGrace(frozen), script);
  },

  waiting(frozen: FrozenDeleteOrphans, laterMillis: number, holds: Holds): Waiting {
    const past = isOrphan({ ...frozen, horizon: laterBy(frozen.horizon, laterMillis) });
    // The age of a row does not say when its parent went.
    return { where: unheld(past, isFree(holds, frozen)), age: null };
  },

  explain(frozen: FrozenDeleteOrphans, { holds, now }: Asked): Explained {
    const { by } = frozen;
    const where = pastGrace(frozen);
    const lost = hasNoParent({ ...frozen, where });
    const parts: ConditionPart[] = [
      ...pastGraceParts(frozen, now),
      { why: 'no-parent', holds: sql`${columnOf('t', by)} is not null` },
      { why: 'parent-alive', holds: sql`(${columnOf('t', by)} is null or ${lost})` },
    ];
    return explained(sql`${where} and ${lost}`, parts, isFree(holds, frozen));
  },

  async runBatch(frozen: FrozenDeleteOrphans, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const { table, by } = frozen;
    const free = isFree(step.holds, frozen);
    const all = pastGrace(frozen);
    const where = unheld(all, free);
    const outcome =
      step.shard.strategy === 'page-range'
        ? await runPages(frozen, tx, step, step.shard, where)
        : await runKeys(frozen, tx, step, step.shard, where);
    const orphaned = sql<boolean>`${all} and ${hasNoParent({ ...frozen, where: all })}`;
    return withHeld(tx, { table, by, where: orphaned, free }, step, outcome);
  },
};

/** Over alias `t`: the row is past the grace period and its parent is gone. */
function isOrphan(frozen: FrozenDeleteOrphans): RawBuilder<boolean> {
  const where = pastGrace(frozen);
  return sql`${where} and ${hasNoParent({ ...frozen, where })}`;
}

/** Over alias `t`: the row names a parent, is older than the grace period and matches. */
function pastGrace({ by, age, horizon, where }: FrozenDeleteOrphans): RawBuilder<boolean> {
  return sql`${columnOf('t', by)} is not null
    and ${columnOf('t', age)} < ${castTo(horizon, age.type)}
    and ${bindPredicate(where)}`;
}

async function runPages(
  frozen: FrozenDeleteOrphans,
  tx: Tx,
  step: BatchStep,
  shard: Shard & { strategy: 'page-range' },
  where: RawBuilder<boolean>,
): Promise<BatchOutcome> {
  const pages = await pagesOf(tx, { table: frozen.table, age: null, where }, shard, step, step.size);
  const orphaned: Orphaned = { ...frozen, where, among: { pages } };
  if (canSweep(frozen, step) && !Number.isFinite(step.mostRows)) {
    const lost = sql<boolean>`${where} and ${hasNoParent(orphaned)}`;
    const span = await sampleSpan(tx, pages, lost, columnOf('t', frozen.age));
    const taken = await deleteOrphaned(tx, orphaned);
    return { ...endOfPages(pages), taken, skipped: 0, moved: 0, span };
  }
  const limit = limitOf(step, 1);
  const { picked, ...done } = await deletePicked(frozen, tx, orphaned, limit, step);
  const skipped = picked.candidates - picked.places.length;
  return { ...reached(pages, picked, limit), ...done, skipped };
}

async function runKeys(
  frozen: FrozenDeleteOrphans,
  tx: Tx,
  step: BatchStep,
  shard: Shard,
  where: RawBuilder<boolean>,
): Promise<BatchOutcome> {
  if (shard.strategy !== 'loose-index') throw new Error(`orphans cannot be walked by ${shard.strategy}`);
  const limit = limitOf(step, 1);
  const after = keyOf(step.cursor) ?? shard.after;
  const keys = Math.max(64, Math.min(step.size, MOST_KEYS));
  const found = await findOrphanedKeys(tx, { ...frozen, where, after, until: shard.until, keys, limit });
  const orphaned: Orphaned = { ...frozen, where, among: { keys: found.keys } };
  let skipped = 0;
  let done: Taken = { taken: 0, moved: 0, span: null };
  if (found.keys.length > 0 && canSweep(frozen, step)) {
    const span = await sampleSpanOfKeys(tx, frozen, found.keys, where, columnOf('t', frozen.age));
    done = { taken: await deleteOrphaned(tx, orphaned, found.giant ? limit : undefined), moved: 0, span };
  } else if (found.keys.length > 0) {
    const { picked, ...rest } = await deletePicked(frozen, tx, orphaned, limit, step);
    done = rest;
    skipped = picked.candidates - picked.places.length;
  }
  // The rows of a giant that are left may all be held by somebody else: then go on without them.
  if (found.giant && done.taken > 0)
    return { cursor: afterKey(found.before ?? after), end: false, ...done, skipped };
  return { cursor: afterKey(found.next), end: found.next === null, ...done, skipped };
}

function canSweep(
  { pointers, where, table, cascades }: FrozenDeleteOrphans,
  { careful, holds }: BatchStep,
): boolean {
  if (pointers.length > 0 || where.selects || careful) return false;
  return !mustLock(
    holds,
    table,
    cascades.map((step) => step.table),
  );
}

async function deletePicked(
  frozen: FrozenDeleteOrphans,
  tx: Tx,
  orphaned: Orphaned,
  limit: number,
  step: BatchStep,
): Promise<Taken & { picked: Picked }> {
  const { table, pointers, age } = frozen;
  const picked = await pickOrphaned(tx, orphaned, limit);
  if (step.passOver) return { picked: { ...picked, places: [], keys: [] }, taken: 0, moved: 0, span: null };
  const still = sql<boolean>`${orphaned.where} and ${hasNoParent(orphaned)}`;
  const aged = columnOf('t', age);
  const removed = await deletePlaces(tx, table, picked.places, still, groupsOf(pointers), undefined, aged);
  const moved = await repair(tx, pointers, removed, step);
  return { picked, taken: removed.rows, moved, span: removed.span };
}
