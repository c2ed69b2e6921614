import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { StoredBlocker } from '../../stored/row-tree.ts';
import { blockedSql, blockingRows, listInner } from '../blockers.ts';
import { toSql } from '../condition.ts';
import { joinPath } from '../join-path.ts';
import type { ChainedRow } from '../rows.ts';
import type { ViewSql } from '../sql-view.ts';
import type { Connection, PostgresRows } from './connection.ts';
import { tableAs, tableRef } from './identifiers.ts';

type Way = StoredBlocker['path'];

/**
 * Selects what forbids to delete a row of alias `t`: `up` is the location of the pass's row with which a row that references
 * is deleted, or null if it is deleted with none. With `rows`, which gives the alias in a `from`, for many rows in one go:
 * `down` is the location of each. Else for the row of an outer select.
 */
function selectEdges(
  table: TableName,
  blockers: readonly StoredBlocker[],
  rows?: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const selects = blockers.map((blocker) => {
    const { from, where } = blockingRows(blocker, tableAs);
    const ups = blocker.ways.map((way) => selectUp(table, way));
    // A row that references may be deleted along several ways; then each of those rows must be deletable.
    const known = sql`array_remove(array[${sql.join(ups)}]::tid[], null)`;
    return sql`
      select ${rows === undefined ? sql`` : sql`t.ctid as down, `}u.up
      from ${rows === undefined ? sql`` : sql`${rows}, `}${from}
      cross join lateral unnest(coalesce(nullif(${known}, '{}'), array[null]::tid[])) as u(up)
      where ${where}`;
  });
  return sql.join(selects, sql` union all `);
}

/** From a row that references, alias `b`, back up to the row of the pass with which it is deleted along a way. */
function selectUp(table: TableName, way: Way): RawBuilder<unknown> {
  if (way.length === 0) return sql`b.ctid`;
  const { tables, where, end } = joinPath(way, 'r', 'w', tableAs);
  const joins = [...where, sql`${sql.id(end, 'ctid')} = b.ctid`];
  const list = sql.join([sql`${tableRef(table)} as r`, ...tables]);
  return sql`(select r.ctid from ${list} where ${sql.join(joins, sql` and `)} limit 1)`;
}

/** `edge`: who references whom among some rows, which `rows` selects as column `location` of alias `x`. */
export function edgeSql(
  table: TableName,
  blockers: readonly StoredBlocker[],
  rows: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const each = sql`${rows} as x join ${tableRef(table)} as t on t.ctid = x.location`;
  return sql`edge as materialized (${selectEdges(table, blockers, each)})`;
}

/**
 * Common table expressions, after `with recursive`: `reached` has the locations of some rows, which `seeds` selects, and of
 * deletable rows that reference them, or what is deleted along with them, and so on, at most `limit`; `edge` who references
 * whom.
 */
function chainSql(
  table: TableName,
  blockers: readonly StoredBlocker[],
  deletable: RawBuilder<boolean>,
  seeds: RawBuilder<unknown>,
  limit: number,
): RawBuilder<unknown> {
  const row = tableRef(table);
  return sql`
    reach (location) as (
      ${seeds}
      union
      select e.up
      from reach as x
      join ${row} as t on t.ctid = x.location
      cross join lateral (${selectEdges(table, blockers)}) as e
      where e.up is not null and exists (select from ${row} as t where t.ctid = e.up and ${deletable})
    ),
    reached as materialized (select location from reach limit ${limit}),
    ${edgeSql(table, blockers, sql`reached`)}`;
}

/** Over alias `t`: all that references the row within the tables of its pass can be deleted too. */
export const isNotChained: ViewSql<Connection>['isNotChained'] = (table, blockers, deletable, limit) => {
  return sql<boolean>`exists (
    with recursive
    ${chainSql(table, blockers, deletable, sql`select t.ctid`, limit)},
    ${blockedSql(sql`reached`)}
    select from reached as x
    where x.location = t.ctid and not exists (select from blocked as k where k.location = x.location)
  )`;
};

/** Some rows of a pass, and the deletable rows that they need to go too; at most `limit`. */
export const findChain: PostgresRows['findChain'] = async ({ db }, tree, deletable, locations, limit) => {
  const seeds = sql`select s.location from unnest(${[...locations]}::tid[]) as s(location)`;
  const { rows } = await sql<ChainedRow>`
    with recursive ${chainSql(tree.table, listInner(tree), toSql(deletable), seeds, limit)}
    select
      x.location::text as location,
      array(select distinct e.up::text from edge as e where e.down = x.location) as needs
    from reached as x`.execute(db);
  return rows;
};
