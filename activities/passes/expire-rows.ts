import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { Waiting } from '../backlog/backlog.ts';
import { withHeld } from '../batch/count-held.ts';
import { deleteChildren } from '../batch/delete-children.ts';
import { deletePicked } from '../batch/delete-picked.ts';
import { pick, sweep, take } from '../batch/walk.ts';
import type { Walk } from '../batch/walk.ts';
import type { Asked, Explained } from '../explain/condition.ts';
import { explainExpiry } from '../explain/expiry.ts';
import type { CascadeStep } from '../plan/cascades.ts';
import { cascadesFrom, distinctTables, emptyingOrder } from '../plan/cascades.ts';
import type { FrozenChild, LeftChild } from '../plan/freeze-family.ts';
import {
  cascadesOf,
  familySizeOf,
  freezeChild,
  leaveChild,
  pointersOf,
  tablesOf,
} from '../plan/freeze-family.ts';
import { freezeNesting } from '../plan/freeze-nesting.ts';
import type { FrozenNesting } from '../plan/freeze-nesting.ts';
import { freezeAges, freezeRetentions, latestHorizon } from '../plan/freeze-retention.ts';
import { freezePaths, recordsFiles, refuseUnasked } from '../plan/freeze-root.ts';
import { laterBy } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { nameOf } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import { hasIndexOn } from '../plan/strategy.ts';
import { previewExpiry } from '../preview/expiry.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { isFree, unheld } from '../sql/free.ts';
import type { Holds } from '../sql/holds.ts';
import { mustLock } from '../sql/holds.ts';
import type { KeepingExpiry, KeptList } from '../sql/kept.ts';
import { isGroupFull, isNotKept, isNotNewest, keepsNewest } from '../sql/kept.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { columnOf } from '../sql/names.ts';
import type { FrozenPath } from '../sql/recording.ts';
import { recordingOf } from '../sql/recording.ts';
import type { Expiry } from '../sql/retention.ts';
import { ageOf, isExpired, selects } from '../sql/retention.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** An `expireRows` pass as a run keeps it. */
export interface FrozenExpireRows extends FrozenPass, Expiry {
  readonly kind: 'expireRows';
  readonly nesting: FrozenNesting | null;
  /** What children, and what is kept, name the row by; null where nothing does. */
  readonly key: ColumnName | null;
  readonly children: readonly FrozenChild[];
  /** Soft children that a later pass deletes as orphans. */
  readonly left: readonly LeftChild[];
  readonly cascades: readonly CascadeStep[];
  /** The numbers of the cascades in the order in which a giant is emptied. */
  readonly emptying: readonly number[];
  /** Columns whose files go too: their paths are recorded with the delete. */
  readonly files?: readonly FrozenPath[];
}

/** Rows past the retention, with everything that hangs on them. */
export const expireRowsWork: PassWork<ExpireRows, FrozenExpireRows> = {
  kind: 'expireRows',

  freeze(pass: ExpireRows, scope: Scope): FrozenExpireRows | undefined {
    const table = scope.table(pass.entity, ['select', 'update', 'delete']);
    const ages = freezeAges(pass, table, scope);
    const where = scope.predicate(pass.entity, pass.where);
    const retentions = freezeRetentions(pass, table, ages?.[0], scope);
    const left = pass.with.map((child) =>
      recordsFiles(pass.files, child.entity) ? undefined : leaveChild(child, pass.entity, table, scope),
    );
    const owned = pass.with.filter((_, n) => left[n] === undefined);
    const named = owned.length > 0 || (retentions !== undefined && keepsNewest({ retentions }));
    const key = named ? scope.key(pass.entity, table) : null;
    const nesting = pass.nestedBy === undefined ? null : freezeNesting(pass, pass.nestedBy, table, scope);
    const children = owned.map((child) => freezeChild(child, pass.entity, table, pass.files, scope));
    const files = freezePaths(pass.files, pass.entity, table, scope);
    if (table === undefined || ages === undefined || key === undefined || nesting === undefined)
      return undefined;
    if (retentions === undefined) return undefined;
    if (!children.every((child) => child !== undefined)) return undefined;

    const cascades = cascadesFrom(scope.catalog, table);
    const others = alongWith({ cascades, children });
    const below = children.flatMap(cascadesOf);
    refuseUnasked(pass.files, [...cascades, ...below], children.flatMap(pointersOf), scope);
    const sizes = others.map((other) => scope.catalog.named(other));
    const expiry: KeepingExpiry = {
      table: nameOf(table),
      ages,
      horizon: latestHorizon(retentions, scope.now, ages[0]),
      where,
      retentions,
      key,
    };
    return {
      kind: 'expireRows',
      ...expiry,
      ...(keepsNewest(expiry) ? { keeps: expiry } : {}),
      counted: distinctTables([table, ...others]),
      familySize: familySizeOf(table, sizes),
      nesting,
      children,
      left: left.filter((child) => child !== undefined),
      cascades,
      emptying: emptyingOrder(scope.catalog, cascades),
      ...(files.length === 0 ? {} : { files }),
    };
  },

  plan(frozen: FrozenExpireRows, table: CatalogTable, shards: number): WalkChoice {
    const [age, ...later] = frozen.ages;
    const byAge = { strategy: 'keyset', column: age, keys: 0, until: frozen.horizon } as const;
    return {
      table,
      where: expired(frozen),
      shards,
      familySize: frozen.familySize,
      ...(later.length === 0 && hasIndexOn(table, age) ? { index: byAge } : {}),
    };
  },

  preview(frozen: FrozenExpireRows, script: PreviewScript): void {
    previewExpiry(frozen, script);
  },

  waiting(frozen: FrozenExpireRows, laterMillis: number, holds: Holds, kept?: KeptList): Waiting {
    const horizon = laterBy(frozen.horizon, laterMillis);
    const retentions = frozen.retentions.map((retention) => ({
      ...retention,
      horizon: retention.horizon === null ? null : laterBy(retention.horizon, laterMillis),
      ...(retention.column === undefined
        ? {}
        : { column: { ...retention.column, horizon: laterBy(retention.column.horizon, laterMillis) } }),
    }));
    const past = expired({ ...frozen, horizon, retentions });
    const { keeps } = frozen;
    const goes =
      keeps === undefined ? sql`true` : kept === undefined ? isNotNewest(keeps) : isNotKept(keeps, kept);
    const where = unheld(sql`${past} and ${goes}`, isFree(holds, frozen));
    return { where, age: { columns: frozen.ages, until: horizon } };
  },

  explain(frozen: FrozenExpireRows, asked: Asked): Explained {
    return explainExpiry(frozen, expired(frozen), asked);
  },

  async runBatch(frozen: FrozenExpireRows, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const free = isFree(step.holds, frozen);
    const outcome = await expire(frozen, tx, step, free);
    const { table, ages } = frozen;
    const where = unkept(frozen, step);
    return withHeld(tx, { table, by: ages.length === 1 ? ages[0] : null, where, free }, step, outcome);
  },
};

/**
 * Whether rows must be locked before they are judged for good: a select in the condition is answered as of the begin of the
 * statement; and where children go first, their row must be sure to follow. (What is kept is such a select, too; see
 * `isGoing`.)
 */
function judgesTwice(frozen: FrozenExpireRows): boolean {
  return selects(frozen) || frozen.children.some((child) => child.beforeParent);
}

/** The tables of what goes along with rows of the pass. */
function alongWith({ cascades, children }: Pick<FrozenExpireRows, 'cascades' | 'children'>): TableName[] {
  return [...cascades.map((step) => step.table), ...children.flatMap(tablesOf)];
}

async function expire(
  frozen: FrozenExpireRows,
  tx: Tx,
  step: BatchStep,
  free: RawBuilder<boolean> | undefined,
): Promise<BatchOutcome> {
  const lock = step.careful || judgesTwice(frozen) || mustLock(step.holds, frozen.table, alongWith(frozen));
  if (lock) return expireLocked(frozen, tx, step, free);
  const { children, cascades, files, keeps } = frozen;
  const walk = walkOf(frozen, step, unheld(expired(frozen), free));
  const alone = children.length === 0 && cascades.length === 0 && files === undefined;
  const swept = alone && keeps === undefined ? await sweep(tx, walk, step) : undefined;
  if (swept !== undefined) return { ...swept, skipped: 0, moved: 0 };
  const keeping = keeps === undefined ? {} : { keeping: { expiry: keeps, list: step.kept } };
  const key = children.length === 0 ? undefined : (frozen.key ?? undefined);
  const { keys, ...taken } = await take(tx, { ...walk, ...keeping }, key, step);
  const moved = await deleteChildren(tx, children, keys, step);
  return { ...taken, skipped: 0, moved };
}

async function expireLocked(
  frozen: FrozenExpireRows,
  tx: Tx,
  step: BatchStep,
  free: RawBuilder<boolean> | undefined,
): Promise<BatchOutcome> {
  const where = unheld(unkept(frozen, step), free);
  const full = frozen.keeps === undefined ? sql`true` : isGroupFull(frozen.keeps, step.kept);
  const going = sql<boolean>`${where} and ${full}`;
  // Where children may go before their row, the row must be sure to follow.
  const early = step.careful || frozen.children.some((child) => child.beforeParent);
  const walk = walkOf(frozen, step, early ? going : where);
  const picked = await pick(tx, walk, frozen.key ?? undefined, step);
  return deletePicked(tx, { ...frozen, aged: ageOf('t', frozen.ages) }, going, picked, step);
}

function walkOf(
  { table, ages, files }: FrozenExpireRows,
  { outbox }: BatchStep,
  where: RawBuilder<boolean>,
): Walk {
  const age = ages.length === 1 ? ages[0] : null;
  const aged = ageOf('t', ages);
  return { table, age, aged, where, recording: recordingOf(files, outbox) };
}

/** Over alias `t`: the row expires now, and is none of the newest that stay. */
function unkept(frozen: FrozenExpireRows, { kept }: BatchStep): RawBuilder<boolean> {
  return frozen.keeps === undefined
    ? expired(frozen)
    : sql`${expired(frozen)} and ${isNotKept(frozen, kept)}`;
}

/** Over alias `t`: the row expires now. */
function expired(frozen: FrozenExpireRows): RawBuilder<boolean> {
  const { nesting } = frozen;
  const top = nesting === null ? sql`true` : sql`${columnOf('t', nesting.column)} is null`;
  return sql`${isExpired(frozen)} and ${top}`;
}
