import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';
import { columnRef, tableRef } from './identifiers.ts';

/** Rows that a scan chose and locked, in physical order. */
export interface LockedCandidates {
  /** They hold until the transaction ends, since nobody else can move a locked row. */
  readonly locations: readonly string[];
  /** Their keys as text, in the same order; null if no key was asked for. */
  readonly keys: readonly (string | null)[];
  /** The number of each among the candidates, from 1: what is left out between two is locked by others. */
  readonly ranks: readonly number[];
  /** How many rows were candidates, with those that somebody else has locked. */
  readonly candidates: number;
  /** The location of the last candidate; null if there was none. */
  readonly last: string | null;
}

/** Checks the shape of a row that {@link lockCandidatesSql} returned. */
export function parseLockedCandidates(row: unknown): LockedCandidates {
  const { locations, keys, ranks, candidates, last } = row as LockedCandidates;
  if (locations.length !== keys.length || locations.length !== ranks.length) {
    throw new Error('a scan returned rows without their keys');
  }
  return { locations, keys, ranks, candidates, last };
}

/**
 * Locks the rows of `candidate` (`location`, and `nth` from 1) that nobody else has locked, and returns what
 * {@link parseLockedCandidates} reads; for the end of a statement. `where` is evaluated again for what was locked, over
 * alias `t`.
 *
 * All lists have one and the same order. `order by location` in a list of locations would mean the text that is listed. A
 * row that another session moved between being chosen and being locked is left out: its new location is not of this scan.
 */
export function lockCandidatesSql(
  table: TableName,
  key: RawBuilder<string | null>,
  where: RawBuilder<boolean>,
): RawBuilder<unknown> {
  return sql`
    locked as materialized (
      select t.ctid as location, ${key} as key
      from ${tableRef(table)} as t
      where t.ctid = any(array(select location from candidate)) and ${where}
      for update of t skip locked
    )
    select
      coalesce(array_agg(l.location::text order by l.location), '{}') as locations,
      coalesce(array_agg(l.key order by l.location), '{}') as keys,
      coalesce(array_agg(c.nth::int order by l.location), '{}') as ranks,
      (select count(*)::int from candidate) as candidates,
      (select max(location)::text from candidate) as last
    from locked as l
    join candidate as c on c.location = l.location`;
}

/** How many rows a statement deleted, with their keys if they were asked for. */
export interface DeletedKeys {
  readonly rows: number;
  readonly keys: readonly string[];
}

/** The key of a row, alias `t`, as text; null if none is asked for. */
export function keyText(key: ColumnName | null | undefined): RawBuilder<string | null> {
  return key === undefined || key === null ? sql`null::text` : sql`${columnRef('t', key)}::text`;
}

/**
 * `rows` and `keys` from `deleted`, a part of the statement that returns column `key`. The keys come as JSON: `pg` takes 1 us
 * to read one from an array of PostgreSQL, a fifth of the worker's time (CPU profile of 200,000 events).
 */
export function deletedKeysSql(key: ColumnName | undefined): RawBuilder<unknown> {
  const keys =
    key === undefined ? sql`'[]'::json` : sql`to_json(array(select key from deleted where key is not null))`;
  return sql`(select count(*)::int from deleted) as rows, ${keys} as keys`;
}
