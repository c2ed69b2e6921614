import type { DeleteOrphans } from '../../policy/delete-orphans.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isChained, needsLocks } from '../dialect/needs-locks.ts';
import type { OrphanTarget } from '../dialect/scan.ts';
import { distinctTables, toTableName } from '../dialect/table-names.ts';
import type { Condition, View } from '../dialect/view.ts';
import { resolveAge } from '../resolve/age-column.ts';
import { findBlockers } from '../resolve/blockers.ts';
import { cascadesFrom } from '../resolve/cascades.ts';
import { toStoredHorizon } from '../resolve/compute-horizon.ts';
import { resolvePointer } from '../resolve/pointer.ts';
import { resolveReference } from '../resolve/reference.ts';
import { hasIndexOn } from '../resolve/scan-choice.ts';
import { toSoftDependent } from '../resolve/soft-dependents.ts';
import type { BatchOutcome, BatchStep } from '../steps/batch-step.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import {
  heldPart,
  joinParts,
  previewDelete,
  olderThanParts,
  withBlockers,
} from '../steps/condition-parts.ts';
import { addKeptRows } from '../steps/count-kept.ts';
import { listGroups, repairPointers } from '../steps/delete-children.ts';
import { isolateRows } from '../steps/isolate-rows.ts';
import { limitRows, toScanStep } from '../steps/scan-step.ts';
import { verifyDeleted } from '../steps/verify-deleted.ts';
import type { StoredDeleteOrphans } from '../stored/pass.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { BatchKind } from './pass.ts';

/** Rows whose parent is deleted, once they are older than a grace period. */
export const deleteOrphansKind: BatchKind<DeleteOrphans, StoredDeleteOrphans> = {
  kind: 'deleteOrphans',

  entities({ entity, parent, repoint }) {
    return [entity, parent, ...repoint.flatMap(({ holder, target }) => [holder, target])];
  },

  softDependents: ({ repoint }) => repoint.map(toSoftDependent),

  repairs: ({ entity, by, parent }) => [{ entity: parent, to: { child: entity, by } }],

  resolve(pass, scope) {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const parent = scope.readTable(pass.parent);
    const reference = resolveReference(
      { entity: pass.entity, table, property: pass.by, option: 'by' },
      { entity: pass.parent, table: parent },
      scope,
    );
    const age = resolveAge(pass.entity, table, pass.age, scope);
    const where = scope.predicate(pass.entity, pass.where);
    const pointers = pass.repoint.map((pointer) => resolvePointer(pointer, scope));
    if (table === undefined || parent === undefined || reference === undefined) return undefined;
    if (age === undefined) return undefined;
    const { by, key: parentKey } = reference;
    if (parent.id === table.id) {
      return scope.addIssue(
        `entity ${scope.entities.name(pass.entity)} is its own parent: each row that is deleted would make others orphans`,
        'Use expireRows with nestedBy, or let the database cascade',
      );
    }
    if (!pointers.every((pointer) => pointer !== undefined)) return undefined;
    const cascades = cascadesFrom(scope.catalog, table);
    const blockers = findBlockers(scope.catalog, { table: toTableName(table), cascades });
    const repeats = isChained({ blockers });
    const along = [...cascades.map((step) => step.table), ...pointers.map((pointer) => pointer.holder)];
    return {
      kind: 'deleteOrphans',
      table: toTableName(table),
      counted: distinctTables([table, ...along]),
      rowsPerParent: 1,
      by,
      parent: toTableName(parent),
      parentKey,
      // Statistics find far too few distinct values in rows that lie together; there are as many as parents.
      keys: Math.max(table.columns.get(by.name)?.distinct ?? 0, parent.rows ?? 0),
      age,
      ages: [age],
      ...toStoredHorizon(scope.now, pass.grace, age),
      where,
      pointers,
      cascades,
      blockers,
      ...(repeats ? { repeats: true } : {}),
    };
  },

  condition: listParts,

  backlog(stored, view) {
    // The age of a row does not tell when its parent was deleted.
    return { where: joinParts(listParts(stored, view), view), age: null };
  },

  dependents: findDependents,

  plan(stored, table, shards, view) {
    const { by, keys, horizon } = stored;
    const byKey = { scan: 'by-parent-key', column: by, keys, until: horizon } as const;
    const where = joinParts(listParts(stored, view), view, ['held', 'chained']);
    return { table, where, shards, ...(hasIndexOn(table, by) ? { index: byKey } : {}) };
  },

  preview(stored, query) {
    previewDelete(query, listParts(stored, query.view), {
      tree: findDependents(stored),
      ages: [stored.age],
      orphansOf: stored,
      pointers: stored.pointers,
    });
  },

  wantedIndexes({ table, by }) {
    return [{ table, column: by.name, why: 'reads the whole table instead of the distinct keys' }];
  },

  evidence: ({ parent }) => [parent],

  async runBatch(stored, tx, step) {
    const view = tx.view({ holds: step.holds });
    const parts = listParts(stored, view);
    // Whether the parent exists is looked up once a distinct key, by the scan itself.
    const target: OrphanTarget = { ...stored, where: joinParts(parts, view, ['parent-exists', 'chained']) };
    const still = joinParts(parts, view, ['chained']);
    const outcome = await deleteOrphans(stored, tx, step, target, still);
    const { table, by } = stored;
    return addKeptRows(tx, { table, by, parts }, view, step, outcome);
  },
};

/** What a row must be for the pass to delete it, part by part. */
function listParts(stored: StoredDeleteOrphans, view: View): ConditionPart[] {
  const tree = findDependents(stored);
  const parts: ConditionPart[] = [
    ...olderThanParts(stored, view),
    { reason: 'no-parent', test: view.isNotNull(stored.by) },
    { reason: 'parent-exists', test: view.hasNoParent(stored) },
    ...heldPart(tree, view),
  ];
  return withBlockers(parts, tree, view);
}

function findDependents({ table, cascades, blockers }: StoredDeleteOrphans): RowTree {
  return { table, cascades, blockers };
}

async function deleteOrphans(
  stored: StoredDeleteOrphans,
  tx: Tx,
  step: BatchStep,
  target: OrphanTarget,
  still: Condition,
): Promise<BatchOutcome> {
  const limit = limitRows(step, 1);
  const range = await tx.scan.findOrphans(target, toScanStep(step, limit, Math.max(1, step.size / limit)));
  const { cursor, done, oversized } = range;
  if (range.isEmpty) return { cursor, done, taken: 0, skipped: 0, moved: 0 };
  // A range of pages cannot bound the rows exactly.
  const isBounded = 'keys' in range.among || !Number.isFinite(step.maxRows);
  const outcome =
    isBounded && !mustLock(stored, step)
      ? {
          cursor,
          done,
          taken: await tx.scan.deleteOrphans(target, range, oversized === undefined ? undefined : limit),
          skipped: 0,
          moved: 0,
        }
      : await deleteLockedOrphans(stored, tx, step, { target, range, limit, still });
  // If none of the rows left of an oversized key could be deleted, somebody else may have them all locked: go on.
  if (oversized === undefined || outcome.taken === 0) return outcome;
  // What the database refused is met again, and counted when nothing else of the key is left.
  const { blocked: _again, ...some }: BatchOutcome = outcome;
  return { ...some, cursor: oversized.cursor, done: false };
}

async function deleteLockedOrphans(
  { table, pointers, cascades, watched }: StoredDeleteOrphans,
  tx: Tx,
  step: BatchStep,
  found: {
    readonly target: OrphanTarget;
    readonly range: Awaited<ReturnType<Tx['scan']['findOrphans']>>;
    readonly limit: number;
    readonly still: Condition;
  },
): Promise<BatchOutcome> {
  const locked = await tx.scan.lockOrphans(found.target, found.range, found.limit);
  const skipped = locked.candidates - (step.skipFirstRow ? 0 : locked.locations.length);
  if (step.skipFirstRow) return { ...locked.end, taken: 0, skipped, moved: 0 };
  let taken = 0;
  const remove = async (locations: readonly string[]): Promise<number> => {
    const tree = { table, cascades, watched };
    const deleted = await verifyDeleted(tx, tree, locations, found.still, step, async () =>
      tx.rows.deleteAt(table, locations, found.still, listGroups(pointers)),
    );
    const moved = await repairPointers(tx, pointers, deleted.groups, step);
    taken += deleted.rows;
    return moved;
  };
  if (!step.isolate) {
    const moved = await remove(locked.locations);
    return { ...locked.end, taken, skipped, moved };
  }
  const rows = locked.locations.map((location) => ({ location, key: null }));
  const isolated = await isolateRows(rows, step, async (some) =>
    remove(some.map(({ location }) => location)),
  );
  return { ...locked.end, taken, skipped, ...isolated };
}

/** Whether rows must be locked before they are judged for good. */
function mustLock(
  { pointers, where, table, cascades, watched }: StoredDeleteOrphans,
  { lockFirst, holds }: BatchStep,
): boolean {
  if (pointers.length > 0 || where.selects || watched !== undefined || lockFirst) return true;
  return needsLocks(
    holds,
    table,
    cascades.map((cascade) => cascade.table),
  );
}
