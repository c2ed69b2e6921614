import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { parseDuration } from '../../policy/duration.ts';
import type { ExpireRows } from '../../policy/expire-rows.ts';
import { deleteFamilies } from '../batch/delete-families.ts';
import { advance, pick, skippedOf, sweep } from '../batch/walk.ts';
import type { CascadeStep } from '../plan/cascades.ts';
import { cascadesFrom, distinctTables, emptyingOrder } from '../plan/cascades.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import { familySizeOf, freezeChild } from '../plan/freeze-family.ts';
import { freezeNesting } from '../plan/freeze-nesting.ts';
import type { FrozenNesting } from '../plan/freeze-nesting.ts';
import { horizonOf } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { nameOf } from '../plan/scope.ts';
import { chooseWalk, hasIndexOn } from '../plan/strategy.ts';
import { previewExpiry } from '../preview/expiry.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import { castTo, columnOf } from '../sql/names.ts';
import type { Predicate } from '../sql/predicate.ts';
import { bindPredicate } from '../sql/predicate.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassPlan, PassWork } from './pass.ts';

/** An `expireRows` pass as a run keeps it. */
export interface FrozenExpireRows extends FrozenPass {
  readonly kind: 'expireRows';
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly nesting: FrozenNesting | null;
  /** What children name the row by; null where it has no soft children. */
  readonly key: ColumnName | null;
  readonly children: readonly FrozenChild[];
  readonly cascades: readonly CascadeStep[];
  /** The numbers of the cascades in the order in which a giant is emptied. */
  readonly emptying: readonly number[];
}

/** Rows past the retention, with everything that hangs on them. */
export const expireRowsWork: PassWork<ExpireRows, FrozenExpireRows> = {
  kind: 'expireRows',

  freeze(pass: ExpireRows, scope: Scope): FrozenExpireRows | undefined {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const age = scope.ageColumn(pass.entity, table, pass.age);
    const where = scope.predicate(pass.entity, pass.where);
    const key = pass.with.length === 0 ? null : scope.key(pass.entity, table);
    const nesting = pass.nestedBy === undefined ? null : freezeNesting(pass, pass.nestedBy, table, scope);
    const children = pass.with.map((child) => freezeChild(child, pass.entity, table, scope));
    if (table === undefined || age === undefined || key === undefined || nesting === undefined)
      return undefined;
    if (!children.every((child) => child !== undefined)) return undefined;

    const cascades = cascadesFrom(scope.catalog, table);
    const others = [
      ...cascades.map((step) => step.table),
      ...children.flatMap((child) => [
        child.table,
        ...child.cascades.map((step) => step.table),
        ...child.pointers.map((pointer) => pointer.holder),
      ]),
    ];
    const sizes = others.map((other) => scope.catalog.named(other));
    return {
      kind: 'expireRows',
      table: nameOf(table),
      counted: distinctTables([table, ...others]),
      familySize: familySizeOf(table, sizes),
      age,
      horizon: horizonOf(scope.now, parseDuration(pass.olderThan) ?? Number.NaN, age),
      where,
      nesting,
      key,
      children,
      cascades,
      emptying: emptyingOrder(scope.catalog, cascades),
    };
  },

  async plan(
    frozen: FrozenExpireRows,
    table: CatalogTable,
    db: Kysely<unknown>,
    shards: number,
  ): Promise<PassPlan> {
    const byAge = { strategy: 'keyset', column: frozen.age, keys: 0, until: frozen.horizon } as const;
    return chooseWalk(db, {
      table,
      where: expired(frozen),
      shards,
      ...(hasIndexOn(table, frozen.age) ? { index: byAge } : {}),
    });
  },

  preview(frozen: FrozenExpireRows, script: PreviewScript): void {
    previewExpiry(frozen, expiredAtAnyLevel(frozen), script);
  },

  async runBatch(frozen: FrozenExpireRows, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const walk = { table: frozen.table, age: frozen.age, where: expired(frozen) };
    const alone = frozen.children.length === 0 && frozen.cascades.length === 0;
    if (alone && !step.careful && !frozen.where.selects) {
      const swept = await sweep(tx, walk, step);
      if (swept !== undefined) return { ...swept, skipped: 0, moved: 0 };
    }
    const picked = await pick(tx, walk, frozen.key ?? undefined, step);
    if (picked.places.length === 0) {
      return { ...advance(picked, 0), taken: 0, skipped: picked.candidates, moved: 0 };
    }
    if (step.passOver) {
      return { ...advance(picked, 1), taken: 0, skipped: 1 + skippedOf(picked, 1), moved: 0 };
    }
    const { parents, moved, emptiedIn } = await deleteFamilies(tx, frozen, walk.where, picked, step);
    if (emptiedIn !== undefined) return { ...STAYS, cursor: step.cursor, moved, emptiedIn };
    const skipped = skippedOf(picked, parents);
    return { ...advance(picked, parents), taken: parents, skipped, moved };
  },
};

/** The walk stays where it is, since the row is still there. */
const STAYS = { end: false, taken: 0, skipped: 0 } as const;

/** Over alias `t`: the row expires now. */
function expired(frozen: FrozenExpireRows): RawBuilder<boolean> {
  const { nesting } = frozen;
  const top = nesting === null ? sql`true` : sql`${columnOf('t', nesting.column)} is null`;
  return sql`${expiredAtAnyLevel(frozen)} and ${top}`;
}

/** Over alias `t`: the row is past the horizon and matches, whatever it is nested in. */
function expiredAtAnyLevel({ age, horizon, where }: FrozenExpireRows): RawBuilder<boolean> {
  return sql`${columnOf('t', age)} < ${castTo(horizon, age.type)} and ${bindPredicate(where)}`;
}
