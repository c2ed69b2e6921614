import type { RepointLatest } from '../../policy/repoint-latest.ts';
import { endAfterRows } from '../dialect/shard-end.ts';
import { distinctTables } from '../dialect/table-names.ts';
import { cascadesFrom } from '../resolve/cascades.ts';
import { resolvePointer } from '../resolve/pointer.ts';
import { toSoftDependent } from '../resolve/soft-dependents.ts';
import { findNotHeld, heldPart } from '../steps/condition-parts.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import { addKeptRows } from '../steps/count-kept.ts';
import { limitRows, toScanStep } from '../steps/scan-step.ts';
import type { StoredRepointLatest } from '../stored/pass.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { BatchKind } from './pass.ts';

/** Rows whose "latest" is deleted: moved to the newest survivor, deleted if there is none. */
export const repointLatestKind: BatchKind<RepointLatest, StoredRepointLatest> = {
  kind: 'repointLatest',

  entities({ pointer }) {
    return [pointer.holder, pointer.target];
  },

  repairs: ({ pointer }) => [toSoftDependent(pointer)],

  resolve(pass, scope) {
    const pointer = resolvePointer(pass.pointer, scope);
    const table = pointer === undefined ? undefined : scope.catalog.named(pointer.holder);
    if (pointer === undefined || table === undefined) return undefined;
    return {
      kind: 'repointLatest',
      table: pointer.holder,
      counted: distinctTables([
        pointer.holder,
        ...cascadesFrom(scope.catalog, table).map((step) => step.table),
      ]),
      rowsPerParent: 1,
      pointer,
    };
  },

  condition({ pointer, ...stored }, view) {
    return [
      { reason: 'points-at-a-row', test: view.isStale(pointer) },
      { reason: 'points-at-a-row', test: view.hasNoSurvivor(pointer) },
      ...heldPart(findDependents({ ...stored, pointer }), view),
    ];
  },

  backlog(stored, view) {
    const { pointer } = stored;
    const notHeld = view.isNotHeld(findDependents(stored));
    const isStale = view.isStale(pointer);
    // The time of the last reference is not recorded. A hold keeps only what would be deleted.
    if (notHeld === undefined) return { where: isStale, age: null };
    const isKept = view.all([view.not(notHeld), view.hasNoSurvivor(pointer)]);
    return { where: view.all([isStale, view.not(isKept)]), age: null };
  },

  dependents: findDependents,

  plan({ pointer }, table, shards, view) {
    // One row a group: small, and no index leads to the rows that point at nothing.
    return { table, where: view.isStale(pointer), shards };
  },

  preview({ pointer }, query) {
    query.addRepair(pointer);
  },

  wantedIndexes: () => [],

  evidence: ({ pointer }) => [pointer.target],

  async runBatch(stored, tx, step) {
    const { table, pointer } = stored;
    const view = tx.view({ holds: step.holds });
    const where = view.isStale(pointer);
    const held = heldPart(findDependents(stored), view);
    const parts: ConditionPart[] = [{ reason: 'points-at-a-row', test: where }, ...held];
    const scanStep = toScanStep(step, limitRows(step, step.rowsPerParent));
    const locked = await tx.scan.lockRange({ table, age: null, where }, scanStep);
    if (step.skipFirstRow && locked.locations.length > 0) {
      return { ...endAfterRows(locked, 1), taken: 0, skipped: 1, moved: 0 };
    }
    const moved = await tx.rows.repointHolders(pointer, locked.locations, findNotHeld(held));
    const taken = locked.locations.length;
    const outcome = { ...endAfterRows(locked, taken), taken, skipped: locked.candidates - taken, moved };
    return addKeptRows(tx, { table, by: null, parts }, view, step, outcome);
  },
};

function findDependents({ pointer: { holder: table, cascades } }: StoredRepointLatest): RowTree {
  return { table, cascades };
}
