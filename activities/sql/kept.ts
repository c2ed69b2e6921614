import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { columnOf, tableOf } from './names.ts';
import { bindPredicate } from './predicate.ts';
import type { Expiry, FrozenKeep, FrozenRetention } from './retention.ts';
import { ageOf, whichever } from './retention.ts';

/** Rows of one table that expire, and the key that names them. */
export interface KeepingExpiry extends Expiry {
  readonly table: TableName;
  /** Null where no retention keeps a number of rows. */
  readonly key: ColumnName | null;
}

/** The rows that a pass of a run keeps, in the ledger. */
export interface KeptList {
  readonly table: RawBuilder<unknown>;
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
export function isNotKept({ key }: Pick<KeepingExpiry, 'key'>, list: KeptList): RawBuilder<boolean> {
  if (key === null) return sql`true`;
  // A count, and not `not exists`: that the planner may answer from a hash of the whole list, made anew in each batch.
  return sql`(
    select count(*)
    from ${list.table} as k
    where k.run_id = ${list.run}::int and k.pass = ${list.pass}::int and k.key = ${columnOf('t', key)}::text
  ) = 0`;
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
  return sql<boolean>`${whichever(expiry.retentions, ({ keep }, n) =>
    keep === null ? sql`true` : countKept(expiry, list, keep, n),
  )}`;
}

function countKept(
  { table, key, where, ages, retentions }: KeepingExpiry,
  list: KeptList,
  keep: FrozenKeep,
  entry: number,
): RawBuilder<boolean> {
  if (key === null) return sql`true`;
  // The group is of the outer row: in its own select nothing else is called `t` yet.
  return sql`(
    select count(*)
    from (select ${groupText(keep)} as grp) as g
    join ${list.table} as k
      on k.run_id = ${list.run}::int and k.pass = ${list.pass}::int and k.entry = ${entry}::int and k.grp = g.grp
    join ${tableOf(table)} as t on ${columnOf('t', key)} = k.key::${sql.raw(key.type)}
    where
      ${bindPredicate(where)}
      and ${ageOf('t', ages)} is not null
      and ${groupText(keep)} = g.grp
      and ${entryOf(retentions)} = ${entry}::int
  ) >= ${keep.count}::int`;
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
  return sql`jsonb_build_array(${sql.join(per.map((column) => columnOf('t', column)))})::text`;
}
