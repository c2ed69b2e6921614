import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { castTo, tableOf } from './names.ts';
import { pagesOf, startOfPage } from './pages.ts';
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
  const from = startOfPage(sql`greatest(0, ${pagesOf(table)} - ${LAST_PAGES}::bigint)`);
  const { rows } = await sql<{ found: boolean }>`
    select
      exists (
        select from ${tableOf(table)} as t
        where ${isNew} and t.ctid >= (select ${from})
      ) or exists (
        select from ${tableOf(table)} as t
        where ${isNew}
      ) as found`.execute(db);
  return rows[0]?.found === true;
}
