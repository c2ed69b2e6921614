import { sql } from 'kysely';

import type { RepointLatest } from '../../policy/repoint-latest.ts';
import type { Waiting } from '../backlog/backlog.ts';
import { withHeld } from '../batch/count-held.ts';
import { advance, pick } from '../batch/walk.ts';
import type { Asked, Explained } from '../explain/condition.ts';
import { explained } from '../explain/conditions.ts';
import { cascadesFrom, distinctTables } from '../plan/cascades.ts';
import { freezePointer } from '../plan/freeze-pointer.ts';
import type { Scope } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import { previewRepair } from '../preview/repair.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { unheld } from '../sql/free.ts';
import type { Holds } from '../sql/holds.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import { freeHolders, hasNoSurvivor, isStale, repairHolders } from '../sql/pointers.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** A `repointLatest` pass as a run keeps it. */
export interface FrozenRepointLatest extends FrozenPass {
  readonly kind: 'repointLatest';
  readonly pointer: FrozenPointer;
}

/** Rows whose "latest" is gone: moved to the newest survivor, deleted where there is none. */
export const repointLatestWork: PassWork<RepointLatest, FrozenRepointLatest> = {
  kind: 'repointLatest',

  freeze(pass: RepointLatest, scope: Scope): FrozenRepointLatest | undefined {
    const pointer = freezePointer(pass.pointer, scope);
    const table = pointer === undefined ? undefined : scope.catalog.named(pointer.holder);
    if (pointer === undefined || table === undefined) return undefined;
    return {
      kind: 'repointLatest',
      table: pointer.holder,
      counted: distinctTables([
        pointer.holder,
        ...cascadesFrom(scope.catalog, table).map((step) => step.table),
      ]),
      familySize: 1,
      pointer,
    };
  },

  plan({ pointer }: FrozenRepointLatest, table: CatalogTable, shards: number): WalkChoice {
    // One row a group: small, and no index leads to the rows that point at nothing.
    return { table, where: isStale(pointer), shards };
  },

  preview({ pointer }: FrozenRepointLatest, script: PreviewScript): void {
    previewRepair(script, pointer);
  },

  waiting({ pointer }: FrozenRepointLatest, _laterMillis: number, holds: Holds): Waiting {
    const free = freeHolders(holds, pointer);
    // A hold keeps only what would be deleted.
    const works = free === undefined ? undefined : sql<boolean>`(${free} or not ${hasNoSurvivor(pointer)})`;
    // Since when what it points at is gone nobody knows.
    return { where: unheld(isStale(pointer), works), age: null };
  },

  explain({ pointer }: FrozenRepointLatest, { holds }: Asked): Explained {
    const goes = sql<boolean>`${isStale(pointer)} and ${hasNoSurvivor(pointer)}`;
    return explained(goes, [{ why: 'points-at-a-row', holds: goes }], freeHolders(holds, pointer));
  },

  async runBatch(frozen: FrozenRepointLatest, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const { table, pointer } = frozen;
    const found = await pick(tx, { table, age: null, where: isStale(pointer) }, undefined, step);
    if (step.passOver && found.places.length > 0) {
      return { ...advance(found, 1), taken: 0, skipped: 1, moved: 0 };
    }
    const free = freeHolders(step.holds, pointer);
    const moved = await repairHolders(tx, pointer, found.places, free);
    const taken = found.places.length;
    const outcome = { ...advance(found, taken), taken, skipped: found.candidates - taken, moved };
    return withHeld(tx, { table, by: null, where: isStale(pointer), free }, step, outcome);
  },
};
