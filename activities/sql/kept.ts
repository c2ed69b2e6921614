import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { columnOf, comparedAs, qualifiedName, tableOf } from './names.ts';
import { bindPredicate } from './predicate.ts';
import type { Expiry, FrozenKeep, FrozenRetention } from './retention.ts';
import { ageOf, selects, whichever } from './retention.ts';

/** Rows of one table that expire, and the key that names them. */
export interface KeepingExpiry extends Expiry {
  readonly table: TableName;
  /** Null where no retention keeps a number of rows. */
  readonly key: ColumnName | null;
}

/** The rows that a pass of a run keeps, in the ledger: a row a group. */
export interface KeptList {
  readonly table: RawBuilder<unknown>;
  /** Where all of them lie, where they are few enough to look at in each batch. */
  readonly whole: RawBuilder<unknown>;
  readonly run: number;
  readonly pass: number;
}

/** Whether any retention keeps the newest rows of groups. */
export function keepsNewest({ retentions }: Pick<Expiry, 'retentions'>): boolean {
  return retentions.some(({ keep }) => keep !== null);
}

/**
 * The newest rows of each group, which stay: `place`, `key` as text, `grp` the group as text, `entry` the number of the
 * retention that keeps them.
 */
export function newestOf(expiry: KeepingExpiry): RawBuilder<unknown> {
  const { table, retentions, where, ages, key } = expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  const entry = entryOf(retentions);
  const count = whichever(retentions, ({ keep }) => sql`${keep?.count ?? 0}::int`);
  const age = ageOf('t', ages);
  return sql`
    select n.place, n.key, n.grp, n.entry
    from (
      select
        t.ctid as place,
        ${columnOf('t', key)}::text as key,
        e.grp,
        e.entry,
        e.count,
        row_number() over (partition by e.entry, e.grp order by ${age} desc, ${columnOf('t', key)} desc) as nth
      from ${tableOf(table)} as t
      cross join lateral (select ${entry} as entry, ${count} as count, ${groupOf(retentions)} as grp) as e
      where ${bindPredicate(where)} and ${age} is not null and e.count > 0
    ) as n
    where n.nth <= n.count`;
}

/** Over alias `t`: the row is none of those that stay. */
export function isNotKept(
  { key, retentions }: Pick<KeepingExpiry, 'key' | 'retentions'>,
  list: KeptList,
): RawBuilder<boolean> {
  if (key === null) return sql`true`;
  return sql`(
    select ${comparedAs(sql`${columnOf('t', key)}::text`, key.type)} <> all(${comparedAs(sql`k.keys`, key.type, '[]')})
    from ${list.table} as k
    where ${isOf(list)} and k.entry = ${entryOf(retentions)} and k.grp = ${groupOf(retentions)}
  ) is not false`;
}

/** Over alias `t`: the row is none of the newest of its group. Reads the whole table. */
export function isNotNewest(expiry: KeepingExpiry): RawBuilder<boolean> {
  return sql`not exists (select from (${newestOf(expiry)}) as newest where newest.place = t.ctid)`;
}

/**
 * Over alias `t`: as many rows of the row's group as are to stay are there and still match. Where some of them are gone
 * or were brought back to life since the run began, nothing of the group goes.
 */
export function isGroupFull(expiry: KeepingExpiry, list: KeptList): RawBuilder<boolean> {
  const { retentions } = expiry;
  // The group is of the outer row: in its own select nothing else is called `t` yet.
  return sql<boolean>`(
    select g.grp is null or exists (
      select from ${list.table} as k
      where ${isOf(list)} and k.entry = g.entry and k.grp = g.grp and ${isFull(expiry)}
    )
    from (select ${entryOf(retentions)} as entry, ${groupOf(retentions)} as grp) as g
  )`;
}

/** Over alias `k` of the list: it is of this pass of this run. */
export function isOf({ run, pass }: KeptList): RawBuilder<boolean> {
  return sql`k.run_id = ${run}::int and k.pass = ${pass}::int`;
}

/** A select of the list as it is when a run begins: `entry`, `grp`, `keys`, `places`, `file`, `before`. */
export function keptGroups(expiry: KeepingExpiry): RawBuilder<unknown> {
  return sql`
    select
      n.entry, n.grp, array_agg(n.key) as keys, array_agg(n.place) as places,
      ${fileOf(expiry.table)} as file,
      ${oldestOpen()} as before
    from (${newestOf(expiry)}) as n
    group by n.entry, n.grp`;
}

/**
 * The oldest transaction that is open, or the next one. Not the snapshot's `xmin`: that is at the most the own transaction,
 * which begins the run, and rows that others wrote since it began would all count as touched.
 */
function oldestOpen(): RawBuilder<unknown> {
  return sql`coalesce(
    (select x from pg_snapshot_xip(pg_current_snapshot()) as x order by x limit 1),
    pg_snapshot_xmax(pg_current_snapshot())
  )`;
}

/** Over alias `k` of the list: how many rows of the group are to stay. */
export function enough({ retentions }: Pick<KeepingExpiry, 'retentions'>): RawBuilder<number> {
  return sql`(${retentions.map(({ keep }) => keep?.count ?? 0)}::int[])[k.entry + 1]`;
}

/**
 * Over alias `k` of the list: as many rows of a group as are to stay are there and still match. A look at their places is
 * less work than at each by its key. Not so where a condition has a select, whose answer may change by itself.
 */
export function isFull(expiry: KeepingExpiry): RawBuilder<boolean> {
  const { table, key, where, ages, retentions } = expiry;
  if (key === null) return sql`true`;
  const matching = sql<boolean>`(
    select count(*)
    from unnest(k.keys) as u(key)
    join ${tableOf(table)} as t on ${columnOf('t', key)} = u.key::${sql.raw(key.type)}
    where
      ${bindPredicate(where)}
      and ${ageOf('t', ages)} is not null
      and ${entryOf(retentions)} = k.entry
      and ${groupOf(retentions)} = k.grp
  ) >= ${enough(expiry)}`;
  if (selects(expiry)) return matching;
  const untouched = sql`select count(*) from unnest(k.places) as u(place) join ${tableOf(table)} as t on t.ctid = u.place`;
  return sql`case
    when ${isSameFile(expiry)} and (${untouched} where ${isAsBefore()}) >= ${enough(expiry)} then true
    else ${matching}
  end`;
}

/**
 * Over alias `t`, a row at a place of alias `k` of the list, in the same file: it is the row that lay there when the run began,
 * as it was, and so matches as it did then. Whatever came to the place since was written by a transaction that was open
 * at that moment or began later.
 */
export function isAsBefore(): RawBuilder<boolean> {
  return sql`age(t.xmin) > age(k.before::xid)`;
}

/**
 * Over alias `k` of the list: no rewrite of the table moved its rows since the run began, and so few transactions came since
 * that their numbers, of 32 bits in rows, can be compared.
 */
export function isSameFile({ table }: Pick<KeepingExpiry, 'table'>): RawBuilder<boolean> {
  return sql`k.file is not distinct from ${fileOf(table)}
    and pg_snapshot_xmax(pg_current_snapshot())::text::numeric - k.before::text::numeric < 1000000000`;
}

function fileOf(table: TableName): RawBuilder<unknown> {
  return sql`pg_relation_filenode(to_regclass(${qualifiedName(table)}))`;
}

/** Over alias `t`: the number of the retention that counts for the row. */
export function entryOf(retentions: readonly FrozenRetention[]): RawBuilder<unknown> {
  return whichever(retentions, (_, n) => sql`${n}::int`);
}

/** Over alias `t`: the group of the row as text, by the retention that counts for it; null where that keeps none. */
export function groupOf(retentions: readonly FrozenRetention[]): RawBuilder<unknown> {
  return whichever(retentions, ({ keep }) => (keep === null ? sql`null` : groupText(keep)));
}

function groupText({ per }: FrozenKeep): RawBuilder<unknown> {
  // Sorted and compared byte by byte: a million groups by the rules of a language take seconds.
  return sql`(row(${sql.join(per.map((column) => columnOf('t', column)))})::text collate "C")`;
}
