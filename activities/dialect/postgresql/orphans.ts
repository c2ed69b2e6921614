import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { toSql } from '../condition.ts';
import type { LockedRows, OrphanRange, OrphanTarget, ScanStep } from '../scan.ts';
import type { Connection } from './connection.ts';
import { castArray, columnRef, tableRef } from './identifiers.ts';
import { keyText, lockCandidatesSql, parseLockedCandidates } from './locked-rows.ts';
import type { PageRange } from './scan-by-location.ts';
import { endOfPages, findPages, isInPages, lockedByLocation } from './scan-by-location.ts';
import { findOrphanKeys } from './scan-by-parent-key.ts';

/** Finds where the next orphans lie. */
export async function findOrphans(
  connection: Connection,
  target: OrphanTarget,
  step: ScanStep,
): Promise<OrphanRange> {
  const { shard } = step;
  switch (shard.scan) {
    case 'by-location': {
      const range = await findPages(connection, target, shard, step, step.limit * step.readFactor);
      return { ...endOfPages(range), among: { range }, isEmpty: false };
    }
    case 'by-parent-key':
      return findOrphanKeys(connection, target, shard, step);
    case 'by-age':
    case 'by-partition':
    case 'tables':
    case 'files':
      throw new Error(`orphans cannot be scanned ${shard.scan}`);
  }
}

/**
 * Deletes the orphans of a range in one statement. Waits for a row that is locked.
 *
 * Parents are looked up once a distinct key and not once a row, and never by reading all parents: that plan, which
 * the planner may choose for `not exists` on the rows, would be paid again in each batch.
 */
export async function deleteOrphans(
  connection: Connection,
  target: OrphanTarget,
  range: OrphanRange,
  limit?: number,
): Promise<number> {
  const table = tableRef(target.table);
  const isOrphan = isOrphanSql(target, range);
  const some =
    limit === undefined
      ? sql`true`
      : sql`t.ctid = any(array(select t.ctid from orphan as o join ${table} as t on ${isOrphan} limit ${limit}))`;
  const result = await sql`
    with ${orphanKeysSql(target, range)}
    delete from ${table} as t
    using orphan as o
    where ${isOrphan} and ${some}`.execute(connection.db);
  return Number(result.numAffectedRows ?? 0);
}

/** Finds the orphans of a range, in physical order, and locks those that nobody else has locked. */
export async function lockOrphans(
  connection: Connection,
  target: OrphanTarget,
  range: OrphanRange,
  limit: number,
): Promise<LockedRows> {
  const { rows } = await sql`
    with ${orphanKeysSql(target, range)},
    candidate as materialized (
      select t.ctid as location, row_number() over (order by t.ctid) as nth
      from orphan as o
      join ${tableRef(target.table)} as t on ${isOrphanSql(target, range)}
      order by t.ctid
      limit ${limit}
    ),
    ${lockCandidatesSql(target.table, keyText(target.by), toSql(target.where))}`.execute(connection.db);
  const locked = parseLockedCandidates(rows[0]);
  const pages = readPages(range);
  if (pages !== undefined) return lockedByLocation(locked, pages, limit);
  const { cursor, done } = range;
  return { ...locked, cursorAfter: () => cursor, end: { cursor, done } };
}

/** `orphan`: the distinct keys whose parent does not exist. */
function orphanKeysSql(
  { by, parent, parentKey, table, where }: OrphanTarget,
  range: OrphanRange,
): RawBuilder<unknown> {
  const pages = readPages(range);
  const keys =
    pages === undefined
      ? sql`select key from unnest(${castArray('keys' in range.among ? range.among.keys : [], by.type)}) as u(key)`
      : sql`select distinct ${columnRef('t', by)} as key
            from ${tableRef(table)} as t
            where ${isInPages(pages)} and ${toSql(where)}`;
  return sql`
    named as materialized (${keys}),
    orphan as materialized (
      select n.key
      from named as n
      where not exists (
        select from ${tableRef(parent)} as parent
        where ${columnRef('parent', parentKey)} = n.key
      )
    )`;
}

/** Over aliases `t` and `o` of `orphan`: the row names the orphaned key and lies in the range. */
function isOrphanSql({ by, where }: OrphanTarget, range: OrphanRange): RawBuilder<boolean> {
  const pages = readPages(range);
  const isInRange = pages === undefined ? sql<boolean>`true` : isInPages(pages);
  return sql`${columnRef('t', by)} = o.key and ${toSql(where)} and ${isInRange}`;
}

function readPages({ among }: OrphanRange): PageRange | undefined {
  return 'range' in among ? (among.range as PageRange) : undefined;
}
