import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from '../../stored/columns.ts';
import type { Cursor } from '../../stored/cursor.ts';
import type { Shard } from '../../stored/scan.ts';
import { toSql } from '../condition.ts';
import type { DeletedRange, LockedRows, ReadRows, ScanStep, ScanTarget } from '../scan.ts';
import type { ShardEnd } from '../shard-end.ts';
import { continueAt, endShard } from '../shard-end.ts';
import type { Connection } from './connection.ts';
import { ageColumn, oldestMillis } from './expiry.ts';
import { countPages, pageStart, readPage, tableRef } from './identifiers.ts';
import { deletableSql, isDeletable, keepLastColumns } from './keep-last-batch.ts';
import type { DeletedKeys, LockedCandidates } from './locked-rows.ts';
import { deletedKeysSql, keyText, lockCandidatesSql, parseLockedCandidates } from './locked-rows.ts';
import { recordedPathsSql, returningPathsSql } from './recording.ts';
import { readLocation } from './scan-cursor.ts';

/**
 * A range of the table in physical order. PostgreSQL 14 and later read it with a TID range scan: each page once,
 * without an index, at 480,000 rows/s a connection if half of the rows are deleted.
 */
export interface PageRange {
  /** After this ctid. */
  readonly after: string;
  /** Up to the start of this page. */
  readonly untilPage: number;
  /** The shard ends with it. */
  readonly isLast: boolean;
}

type LocationShard = Shard & { readonly scan: 'by-location' };

/**
 * If no more rows than this are read for each that is wanted, the pages themselves bound the batch: all their rows are
 * deleted, without a list of locations in between (events: 0.9 s of statements, with a list 1.8 s).
 */
const DENSE = 1;
/** A range of pages is never larger than this: 64 MiB read at the most before the pacer can look again. */
const MAX_PAGES = 8192;

/** The pages of the next batch, for so many rows if every row were deletable. */
export async function findPages(
  connection: Connection,
  { table }: Pick<ScanTarget, 'table'>,
  shard: LocationShard,
  { cursor }: Pick<ScanStep, 'cursor'>,
  rows: number,
): Promise<PageRange> {
  const after = readLocation(cursor) ?? pageStart(shard.fromPage);
  const pages = Math.max(1, Math.min(Math.floor(rows / shard.rowsPerPage), MAX_PAGES));
  const untilPage = readPage(after) + pages;
  if (untilPage < shard.untilPage) return { after, untilPage, isLast: false };
  // The table may have grown since the plan: an update that nulls a foreign key moves its row to the end.
  const last = shard.open ? Math.max(shard.untilPage, await countPages(connection, table)) : shard.untilPage;
  return { after, untilPage: Math.min(untilPage, last), isLast: untilPage >= last };
}

/** Finds and deletes the next rows in physical order. */
export async function deleteByLocation(
  connection: Connection,
  target: ScanTarget,
  shard: LocationShard,
  step: ScanStep,
  key: ColumnName | undefined,
): Promise<DeletedRange> {
  const { limit, readFactor, exact } = step;
  const range = await findPages(connection, target, shard, step, limit * readFactor);
  // A page has any number of rows up to 290, so that pages cannot bound the rows exactly.
  const isBoundByPages =
    readFactor <= DENSE && limit >= shard.rowsPerPage && !exact && target.keeps === undefined;
  if (isBoundByPages) {
    const { rows, keys } = await deletePages(connection, target, range, key);
    return { ...endOfPages(range), rows, keys, filled: rows / limit };
  }
  const { rows, keys, candidates, last } = await deleteCandidates(connection, target, range, key, limit);
  return { ...endOfCandidates(range, candidates, last, limit), rows, keys, filled: candidates / limit };
}

/** Finds and locks the next rows in physical order. */
export async function lockByLocation(
  connection: Connection,
  target: ScanTarget,
  shard: LocationShard,
  step: ScanStep,
  key: ColumnName | undefined,
): Promise<LockedRows> {
  const { limit, readFactor } = step;
  const range = await findPages(connection, target, shard, step, limit * readFactor);
  const { rows } = await sql`
    with ${candidatesSql(target, range, limit)},
    ${lockCandidatesSql(target.table, keyText(key), toSql(target.where))}`.execute(connection.db);
  return lockedByLocation(parseLockedCandidates(rows[0]), range, limit);
}

/** Locked candidates of a range of pages, with where the shard goes on after each. */
export function lockedByLocation(
  { locations, keys, candidates, ranks, last }: LockedCandidates,
  range: PageRange,
  limit: number,
): LockedRows {
  return {
    locations,
    keys,
    candidates,
    ranks,
    cursorAfter: (row) => toCursor(locations[row]),
    end: endOfCandidates(range, candidates, last, limit),
  };
}

/** Reads the next rows in physical order, at most the limit. */
export async function readByLocation(
  connection: Connection,
  target: ScanTarget & { readonly age: ColumnName },
  shard: LocationShard,
  step: ScanStep,
  key: ColumnName | undefined,
): Promise<ReadRows> {
  const { limit, readFactor } = step;
  const range = await findPages(connection, target, shard, step, limit * readFactor);
  const { rows } = await sql<Omit<ReadRows, 'cursor' | 'done'> & { last: string | null }>`
    with found as materialized (
      select t.ctid, ${ageColumn('t', target.age)} as age, ${keyText(key)} as key
      from ${tableRef(target.table)} as t
      where ${isInPages(range)} and ${toSql(target.where)}
      order by t.ctid
      limit ${limit}
    )
    select
      count(*)::int as rows,
      ${oldestMillis('f')} as oldest,
      coalesce(array_agg(f.key order by f.ctid) filter (where f.key is not null), '{}') as keys,
      max(f.ctid)::text as last
    from found as f`.execute(connection.db);
  const { last, ...read } = rows[0] as Omit<ReadRows, 'cursor' | 'done'> & { last: string | null };
  return { ...read, ...endOfCandidates(range, read.rows, last, limit) };
}

/** Over alias `t`: the row lies in the range. */
export function isInPages({ after, untilPage }: Pick<PageRange, 'after' | 'untilPage'>): RawBuilder<boolean> {
  return sql`t.ctid > ${after}::tid and t.ctid <= ${pageStart(untilPage)}::tid`;
}

/** Where a shard goes on after a range of pages. */
export function endOfPages({ untilPage, isLast }: PageRange): ShardEnd {
  const cursor = toCursor(pageStart(untilPage));
  return isLast ? endShard(cursor) : continueAt(cursor);
}

/** Where a shard goes on after the candidates of a range of pages: there may be more than the limit. */
function endOfCandidates(range: PageRange, candidates: number, last: string | null, limit: number): ShardEnd {
  if (candidates < limit || last === null) return endOfPages(range);
  return continueAt(toCursor(last));
}

function toCursor(ctid: string | undefined): Cursor {
  return { location: ctid ?? pageStart(0) };
}

/** Deletes the rows of the range in one statement. Waits for a row that is locked. */
async function deletePages(
  connection: Connection,
  { table, where, recording }: ScanTarget,
  range: PageRange,
  key: ColumnName | undefined,
): Promise<DeletedKeys> {
  const statement = sql`
    delete from ${tableRef(table)} as t
    where ${isInPages(range)} and ${toSql(where)}`;
  if (key === undefined && recording === undefined) {
    const result = await statement.execute(connection.db);
    return { rows: Number(result.numAffectedRows ?? 0), keys: [] };
  }
  const { rows } = await sql<DeletedKeys>`
    with deleted as (
      ${statement}
      returning ${keyText(key)} as key${returningPathsSql(recording)}
    )${recordedPathsSql(connection, recording)}
    select ${deletedKeysSql(key)}`.execute(connection.db);
  return rows[0] as DeletedKeys;
}

type DeletedCandidates = DeletedKeys & Pick<LockedCandidates, 'candidates' | 'last'>;

/** Deletes the first rows of the range, in physical order, in one statement. Waits for a row that is locked. */
async function deleteCandidates(
  connection: Connection,
  target: ScanTarget,
  range: PageRange,
  key: ColumnName | undefined,
  limit: number,
): Promise<DeletedCandidates> {
  const { keeps, where, recording } = target;
  const judged =
    keeps === undefined ? sql`` : sql`, ${deletableSql(connection, keeps, sql`candidate`, limit)}`;
  const chosen =
    keeps === undefined
      ? sql`t.ctid = any(array(select location from candidate)) and ${toSql(where)}`
      : isDeletable();
  const { rows } = await sql<DeletedCandidates>`
    with ${candidatesSql(target, range, limit, connection)}${judged},
    deleted as (
      delete from ${tableRef(target.table)} as t
      where ${chosen}
      returning ${keyText(key)} as key${returningPathsSql(recording)}
    )${recordedPathsSql(connection, recording)}
    select
      ${deletedKeysSql(key)},
      (select count(*)::int from candidate) as candidates,
      (select max(location)::text from candidate) as last`.execute(connection.db);
  return rows[0] as DeletedCandidates;
}

/** `candidate`: the first rows of the range of which the condition is true. With a connection, for what is kept. */
function candidatesSql(
  { table, where, keeps }: ScanTarget,
  range: PageRange,
  limit: number,
  connection?: Connection,
): RawBuilder<unknown> {
  const kept = connection === undefined ? sql`` : keepLastColumns(keeps);
  return sql`
    candidate as materialized (
      select t.ctid as location, row_number() over (order by t.ctid) as nth${kept}
      from ${tableRef(table)} as t
      where ${isInPages(range)} and ${toSql(where)}
      order by t.ctid
      limit ${limit}
    )`;
}
