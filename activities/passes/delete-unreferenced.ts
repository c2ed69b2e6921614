import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { DeleteUnreferenced } from '../../policy/delete-unreferenced.ts';
import { parseDuration } from '../../policy/duration.ts';
import type { Waiting } from '../backlog/backlog.ts';
import { withHeld } from '../batch/count-held.ts';
import { deletePicked } from '../batch/delete-picked.ts';
import { pick } from '../batch/walk.ts';
import type { Asked, ConditionPart, Explained } from '../explain/condition.ts';
import { explained, pastGraceParts } from '../explain/conditions.ts';
import type { CascadeStep } from '../plan/cascades.ts';
import { cascadesFrom, distinctTables, emptyingOrder } from '../plan/cascades.ts';
import { familySizeOf } from '../plan/freeze-family.ts';
import { freezeReferences } from '../plan/freeze-references.ts';
import { horizonOf, laterBy } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { nameOf } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import { hasIndexOn } from '../plan/strategy.ts';
import type { PreviewScript } from '../preview/script.ts';
import { previewUnreferenced } from '../preview/unreferenced.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { isFree, unheld } from '../sql/free.ts';
import type { Holds } from '../sql/holds.ts';
import type { ColumnName } from '../sql/names.ts';
import { castTo, columnOf } from '../sql/names.ts';
import type { Predicate } from '../sql/predicate.ts';
import { bindPredicate } from '../sql/predicate.ts';
import type { FrozenReference } from '../sql/references.ts';
import { isUnreferenced } from '../sql/references.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** A `deleteUnreferenced` pass as a run keeps it. */
export interface FrozenDeleteUnreferenced extends FrozenPass {
  readonly kind: 'deleteUnreferenced';
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly references: readonly FrozenReference[];
  /** What goes along although it points at the row. */
  readonly cascades: readonly CascadeStep[];
  readonly emptying: readonly number[];
}

/** Rows that nothing points at, once they are older than a grace period. */
export const deleteUnreferencedWork: PassWork<DeleteUnreferenced, FrozenDeleteUnreferenced> = {
  kind: 'deleteUnreferenced',

  freeze(pass: DeleteUnreferenced, scope: Scope): FrozenDeleteUnreferenced | undefined {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const age = scope.ageColumn(pass.entity, table, pass.age);
    const where = scope.predicate(pass.entity, pass.where);
    const found = freezeReferences(pass, table, scope);
    if (table === undefined || age === undefined || found === undefined) return undefined;

    const { references, ignored } = found;
    const cascades = cascadesFrom(scope.catalog, table, (key) => ignored.includes(key));
    const sizes = cascades.map((step) => scope.catalog.named(step.table));
    return {
      kind: 'deleteUnreferenced',
      table: nameOf(table),
      counted: distinctTables([table, ...cascadesFrom(scope.catalog, table).map((step) => step.table)]),
      familySize: familySizeOf(table, sizes),
      age,
      horizon: horizonOf(scope.now, parseDuration(pass.grace) ?? Number.NaN, age),
      where,
      references,
      cascades,
      emptying: emptyingOrder(scope.catalog, cascades),
    };
  },

  plan(frozen: FrozenDeleteUnreferenced, table: CatalogTable, shards: number): WalkChoice {
    const { age, horizon } = frozen;
    const byAge = { strategy: 'keyset', column: age, keys: 0, until: horizon } as const;
    return {
      table,
      where: goes(frozen),
      shards,
      ...(hasIndexOn(table, age) ? { index: byAge } : {}),
    };
  },

  preview(frozen: FrozenDeleteUnreferenced, script: PreviewScript): void {
    previewUnreferenced(frozen, pastGrace(frozen), script);
  },

  waiting(frozen: FrozenDeleteUnreferenced, laterMillis: number, holds: Holds): Waiting {
    const past = goes({ ...frozen, horizon: laterBy(frozen.horizon, laterMillis) });
    // The age of a row does not say when the last thing that pointed at it went.
    return { where: unheld(past, isFree(holds, frozen)), age: null };
  },

  explain(frozen: FrozenDeleteUnreferenced, { holds, now }: Asked): Explained {
    const parts: ConditionPart[] = [
      ...pastGraceParts(frozen, now),
      { why: 'referenced', holds: isUnreferenced(frozen.references) },
    ];
    return explained(goes(frozen), parts, isFree(holds, frozen));
  },

  /**
   * Locks the rows, and judges them again in the statement that deletes. A row that is locked can get no new row with a
   * foreign key to it, and that statement sees all that came before: without the lock, a delete that waits for such a
   * row would go on as if it were not there, and cascade to it.
   */
  async runBatch(frozen: FrozenDeleteUnreferenced, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const { table, age } = frozen;
    const family = { ...frozen, key: null, children: [], aged: columnOf('t', age) };
    const free = isFree(step.holds, frozen);
    const where = unheld(goes(frozen), free);
    const picked = await pick(tx, { table, age, where }, undefined, step);
    const outcome = await deletePicked(tx, family, where, picked, step);
    return withHeld(tx, { table, by: age, where: goes(frozen), free }, step, outcome);
  },
};

/** Over alias `t`: the row is older than the grace period and matches. */
function pastGrace({ age, horizon, where }: FrozenDeleteUnreferenced): RawBuilder<boolean> {
  return sql`${columnOf('t', age)} < ${castTo(horizon, age.type)} and ${bindPredicate(where)}`;
}

function goes(frozen: FrozenDeleteUnreferenced): RawBuilder<boolean> {
  return sql`${pastGrace(frozen)} and ${isUnreferenced(frozen.references)}`;
}
