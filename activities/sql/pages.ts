import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { qualifiedName } from './names.ts';

/** How many pages the table has now. */
export async function countPages(db: Kysely<unknown>, table: TableName): Promise<number> {
  const { rows } = await sql<{ pages: number }>`select (${pagesOf(table)})::float8 as pages`.execute(db);
  return rows[0]?.pages ?? 0;
}

/** In a statement: how many pages the table has now; null where it is gone. */
export function pagesOf(table: TableName): RawBuilder<number> {
  return sql<number>`pg_relation_size(to_regclass(${qualifiedName(table)})) / current_setting('block_size')::bigint`;
}

/** The place before the first row of a page; items count from 1. */
export function pageStart(page: number): string {
  return `(${page},0)`;
}

/** The same in a statement. */
export function startOfPage(page: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`format('(%s,0)', ${page})::tid`;
}

/** The page of a place. */
export function pageOf(place: string): number {
  return Number(place.slice(1).split(',')[0]);
}
