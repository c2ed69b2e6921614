import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { castTo, columnOf, tableOf } from './names.ts';
import type { Tx } from './transaction.ts';

/** Rows that name a parent by a column, in the order of the index on that column. */
export interface KeyRange {
  readonly table: TableName;
  readonly by: ColumnName;
  readonly parent: TableName;
  readonly parentKey: ColumnName;
  /** Which rows of an orphaned key go, over alias `t`: past the grace period. */
  readonly where: RawBuilder<boolean>;
  /** After this key; null is from the first. */
  readonly after: string | null;
  /** Up to, and with, this key; null is to the last. */
  readonly until: string | null;
  /** How many distinct keys to look at. */
  readonly keys: number;
  /** How many rows at most. */
  readonly limit: number;
}

/** Orphaned keys, none of whose parents exists. */
export interface OrphanedKeys {
  readonly keys: readonly string[];
  /** The one key has at least `limit` rows: delete that many and look again. */
  readonly giant: boolean;
  /** Where to go on once the rows of `keys` are deleted; null at the end of the range. */
  readonly next: string | null;
  /** Where to go on while a giant is not done yet. */
  readonly before: string | null;
}

/**
 * Walks from distinct key to distinct key ("loose index scan": one descent into the index a key, not one entry a
 * row), looks each up among the parents, and stops once the orphaned ones own enough rows. Measured on 10 million
 * rows with 100,000 distinct keys: 11 us a key, where the anti-join that reads everything took 2.5 s.
 */
export async function findOrphanedKeys(tx: Tx, range: KeyRange): Promise<OrphanedKeys> {
  const by = columnOf('t', range.by);
  const table = tableOf(range.table);
  const { type } = range.by;
  const until = range.until === null ? sql`true` : sql`${by} <= ${castTo(range.until, type)}`;
  const first = range.after === null ? sql`${by} is not null` : sql`${by} > ${castTo(range.after, type)}`;
  const count = sql`
    select case
      when exists (
        select from ${tableOf(range.parent)} as parent
        where ${columnOf('parent', range.parentKey)} = k.key
      ) then 0
      else (
        select count(*)
        from (select from ${table} as t where ${by} = k.key and ${range.where} limit ${range.limit}) as owned)
    end as rows`;
  const { rows } = await sql<OrphanedKeys>`
    with recursive step (key, nth, rows, total) as (
      select k.key, 1, c.rows, c.rows
      from (select ${by} as key from ${table} as t where ${first} and ${until} order by ${by} limit 1) as k
      cross join lateral (${count}) as c
      union all
      select k.key, s.nth + 1, c.rows, s.total + c.rows
      from step as s
      cross join lateral (
        select ${by} as key
        from ${table} as t
        where ${by} > s.key and ${until}
        order by ${by}
        limit 1
      ) as k
      cross join lateral (${count}) as c
      where s.nth < ${range.keys} and s.total < ${range.limit}
    ),
    edge as (
      select max(nth) as last, max(nth) filter (where total <= ${range.limit}) as taken, max(total) as total
      from step
    )
    select
      array(select key::text from step where rows > 0 and total <= ${range.limit} order by nth) as keys,
      exists (select from step where rows = ${range.limit} and total = ${range.limit}) as giant,
      (select case
          when e.last is null or (e.last < ${range.keys} and e.total < ${range.limit}) then null
          else (select key::text from step where nth = e.taken)
        end from edge as e) as next,
      (select key::text from step, edge where nth = taken - 1) as before`.execute(tx);
  return rows[0] as OrphanedKeys;
}
