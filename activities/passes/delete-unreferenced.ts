import type { DeleteUnreferenced } from '../../policy/delete-unreferenced.ts';
import { isChained } from '../dialect/needs-locks.ts';
import { distinctTables, toTableName } from '../dialect/table-names.ts';
import type { View } from '../dialect/view.ts';
import { resolveAge } from '../resolve/age-column.ts';
import { findBlockers } from '../resolve/blockers.ts';
import { cascadesFrom, computeDrainOrder } from '../resolve/cascades.ts';
import { estimateRowsPerParent } from '../resolve/children.ts';
import { toStoredHorizon } from '../resolve/compute-horizon.ts';
import { resolveReferences } from '../resolve/references.ts';
import { addAgeIndex, scanByAge } from '../resolve/scan-choice.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import {
  heldPart,
  joinParts,
  previewDelete,
  olderThanParts,
  withBlockers,
} from '../steps/condition-parts.ts';
import { addKeptRows } from '../steps/count-kept.ts';
import { deleteLocked } from '../steps/delete-locked.ts';
import { limitRows, toScanStep } from '../steps/scan-step.ts';
import type { StoredDeleteUnreferenced } from '../stored/pass.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { BatchKind } from './pass.ts';

/** Rows that nothing references, once they are older than a grace period. */
export const deleteUnreferencedKind: BatchKind<DeleteUnreferenced, StoredDeleteUnreferenced> = {
  kind: 'deleteUnreferenced',

  entities({ entity, ignore, references }) {
    return [entity, ...ignore, ...references.map((reference) => reference.entity)];
  },

  resolve(pass, scope) {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const age = resolveAge(pass.entity, table, pass.age, scope);
    const where = scope.predicate(pass.entity, pass.where);
    const found = resolveReferences(pass, table, scope);
    if (table === undefined || age === undefined || found === undefined) return undefined;
    const { references, ignored } = found;
    const cascades = cascadesFrom(scope.catalog, table, (key) => ignored.includes(key));
    // What references the rows themselves is in the references.
    const blockers = findBlockers(scope.catalog, { table: toTableName(table), cascades }).filter(
      ({ path }) => path.length > 0,
    );
    const repeats = isChained({ blockers });
    const along = cascades.map((step) => scope.catalog.named(step.table));
    return {
      kind: 'deleteUnreferenced',
      table: toTableName(table),
      counted: distinctTables([table, ...cascadesFrom(scope.catalog, table).map((step) => step.table)]),
      rowsPerParent: estimateRowsPerParent(table, along),
      age,
      ages: [age],
      ...toStoredHorizon(scope.now, pass.grace, age),
      where,
      references,
      cascades,
      drainOrder: computeDrainOrder(scope.catalog, cascades),
      blockers,
      ...(repeats ? { repeats: true } : {}),
    };
  },

  readRows: addAgeIndex,

  condition: listParts,

  backlog(stored, view) {
    // The age of a row does not tell when the last thing that referenced it was deleted.
    return { where: joinParts(listParts(stored, view), view), age: null };
  },

  dependents: findDependents,

  plan(stored, table, shards, view) {
    const where = joinParts(listParts(stored, view), view, ['held', 'chained']);
    return { table, where, shards, ...scanByAge(stored, table) };
  },

  preview(stored, query) {
    previewDelete(query, listParts(stored, query.view), { tree: findDependents(stored), ages: [stored.age] });
  },

  wantedIndexes({ table, age, ageIndex, references }) {
    return [
      { table, column: age.name, why: 'reads the whole table instead of the old rows', served: ageIndex },
      ...references.map((reference) => ({
        table: reference.table,
        column: reference.on[0]?.child ?? '',
        why: 'reads all that could reference a row in every batch',
      })),
    ];
  },

  evidence: ({ references }) => references.map(({ table }) => table),

  /**
   * Locks the rows, and judges them again in the statement that deletes. A row that is locked can get no new row with a
   * foreign key to it, and that statement sees all that came before: without the lock, a delete that waits for such a
   * row would go on as if it were not there, and cascade to it.
   */
  async runBatch(stored, tx, step) {
    const { table, age, ageIndex } = stored;
    const view = tx.view({ holds: step.holds });
    const parts = listParts(stored, view);
    const where = joinParts(parts, view, ['chained']);
    const limit = limitRows(step, step.rowsPerParent);
    const locked = await tx.scan.lockRange({ table, age, ageIndex, where }, toScanStep(step, limit));
    const deleted = await deleteLocked(tx, { ...stored, key: null, children: [] }, where, locked, step);
    const outcome = { ...deleted, filled: locked.candidates / limit };
    return addKeptRows(tx, { table, by: age, parts }, view, step, outcome);
  },
};

/** What a row must be for the pass to delete it, part by part. */
function listParts(stored: StoredDeleteUnreferenced, view: View): ConditionPart[] {
  const tree = findDependents(stored);
  const parts: ConditionPart[] = [
    ...olderThanParts(stored, view),
    { reason: 'referenced', test: view.isUnreferenced(stored.references) },
    ...heldPart(tree, view),
  ];
  return withBlockers(parts, tree, view);
}

function findDependents({ table, cascades, blockers }: StoredDeleteUnreferenced): RowTree {
  return { table, cascades, blockers };
}
