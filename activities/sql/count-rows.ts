import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { castTo, qualifiedName, tableOf } from './names.ts';
import type { Expiry } from './retention.ts';
import { ageOf } from './retention.ts';

/** Rows of a table, counted no further than `most`: the least of both. */
export async function countUpTo(db: Kysely<unknown>, table: TableName, most: number): Promise<number> {
  const limit = Number.isFinite(most) ? sql`limit ${Math.ceil(most)}` : sql``;
  const { rows } = await sql<{ rows: number }>`
    select count(*)::float8 as rows
    from (
      select from ${tableOf(table)}
      ${limit}
    ) as counted`.execute(db);
  return rows[0]?.rows ?? 0;
}

/** New rows usually lie at the end of a table: so many of its last pages are looked at first. */
const LAST_PAGES = 256;

/** Whether a table has a row that is not older than an instant. */
export async function hasRowSince(
  db: Kysely<unknown>,
  table: TableName,
  ages: Expiry['ages'],
  instant: string,
): Promise<boolean> {
  const isNew = sql`${ageOf('t', ages)} >= ${castTo(instant, ages[0].type)}`;
  const pages = sql`pg_relation_size(${qualifiedName(table)}::regclass) / current_setting('block_size')::int`;
  const { rows } = await sql<{ found: boolean }>`
    select
      exists (
        select from ${tableOf(table)} as t
        where ${isNew} and t.ctid >= (select format('(%s,0)', greatest(0, ${pages} - ${LAST_PAGES}))::tid)
      ) or exists (
        select from ${tableOf(table)} as t
        where ${isNew}
      ) as found`.execute(db);
  return rows[0]?.found === true;
}
