import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { AgePosition, AgeRange } from './keyset.ts';
import { chosenOf, nextOf } from './keyset.ts';
import type { ColumnName, TableName } from './names.ts';
import { castArrayTo, columnOf, tableOf } from './names.ts';
import type { PageRange } from './page-range.ts';
import { inRange } from './page-range.ts';
import { oldestOf } from './span.ts';
import type { Tx } from './transaction.ts';

/** Rows that a walk passed without touching or locking them. */
export interface Looked {
  readonly rows: number;
  /** When the oldest of them is of, in milliseconds since the epoch; null where there is none. */
  readonly oldest: number | null;
  /** Their keys, in the order of the walk; empty where none was asked for. */
  readonly keys: readonly string[];
}

/** Looks at the first `limit` rows of a range of pages. `last` is the place of the last of them. */
export async function lookAtPages(
  tx: Tx,
  range: PageRange,
  age: ColumnName,
  key: ColumnName | null,
  limit: number,
): Promise<Looked & { readonly last: string | null }> {
  const { rows } = await sql<Looked & { last: string | null }>`
    with found as materialized (
      select t.ctid as place, ${columnOf('t', age)} as age, ${keyOf(key)} as key
      from ${tableOf(range.table)} as t
      where ${inRange(range)} and ${range.where}
      order by t.ctid
      limit ${limit}
    )
    select
      count(*)::int as rows,
      ${oldestOf('f')} as oldest,
      coalesce(array_agg(f.key order by f.place) filter (where f.key is not null), '{}') as keys,
      max(f.place)::text as last
    from found as f`.execute(tx);
  return rows[0] as Looked & { last: string | null };
}

/** Looks at the oldest rows of a range of ages. */
export async function lookByAge(
  tx: Tx,
  range: AgeRange,
  key: ColumnName | null,
): Promise<Looked & { readonly next: AgePosition | null }> {
  const { rows } = await sql<Looked & { next: AgePosition | null }>`
    with ${chosenOf(range)}
    select
      count(*)::int as rows,
      ${oldestOf('e')} as oldest,
      coalesce(
        array_agg(
          (select ${keyOf(key)} from ${tableOf(range.table)} as t where t.ctid = c.place)
          order by c.rank
        ) filter (where ${key !== null}::boolean),
        '{}') as keys,
      ${nextOf(range)} as next
    from chosen as c
    join entry as e on e.place = c.place`.execute(tx);
  return rows[0] as Looked & { next: AgePosition | null };
}

/** Over alias `t`: which of some keys belong to rows that match. */
export async function matchingKeys(
  tx: Tx,
  table: TableName,
  key: ColumnName,
  keys: readonly string[],
  where: RawBuilder<boolean>,
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const { rows } = await sql<{ key: string }>`
    select ${keyOf(key)} as key
    from ${tableOf(table)} as t
    where ${columnOf('t', key)} = any(${castArrayTo(keys, key.type)}) and ${where}`.execute(tx);
  return new Set(rows.map((row) => row.key));
}

function keyOf(key: ColumnName | null): RawBuilder<unknown> {
  return sql`${key === null ? sql`null` : columnOf('t', key)}::text`;
}
