import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { RowTree } from '../../stored/row-tree.ts';
import { pathsByCascades, pathsToDependents, pathsToTable } from '../cascade-paths.ts';
import { toSql } from '../condition.ts';
import type { Condition, Holds } from '../view.ts';
import type { Connection } from './connection.ts';
import { isHeldRow } from './holds.ts';
import { tableAs, tableRef } from './identifiers.ts';

/**
 * How many rows are deleted with each of some rows, itself included, in the order of the locations. Counts up to `limit`
 * along each path, which is all that a caller needs to know that a row is too large for one transaction. What cascades
 * from soft children is not counted.
 */
export async function countDependents(
  connection: Connection,
  tree: RowTree,
  locations: readonly string[],
  limit: number,
): Promise<number[]> {
  const counts = pathsToDependents(tree, tableAs).map(
    ({ from, where }) =>
      sql` + (select count(*) from (select from ${from} where ${where} limit ${limit}) as counted)`,
  );
  const { rows } = await sql<{ dependents: number }>`
    select (1${sql.join(counts, sql``)})::float8 as dependents
    from unnest(${locations}::tid[]) with ordinality as w(location, n)
    -- One look-up a location; a join would be free to read the whole table.
    cross join lateral (select p.* from ${tableRef(tree.table)} as p where p.ctid = w.location limit 1) as p
    order by w.n`.execute(connection.db);
  return rows.map((row) => row.dependents);
}

/** Deletes some rows of one cascade step of a row, but for those that are held. Returns how many. */
export async function deleteDependents(
  connection: Connection,
  tree: RowTree,
  location: string,
  step: number,
  limit: number,
  holds: Holds,
): Promise<number> {
  const path = pathsByCascades(tree.cascades, 'c', tableAs)[step];
  if (path === undefined) throw new Error(`there is no cascade step ${step}`);
  const held = isHeldRow(connection, holds, path.table);
  const result = await sql`
    delete from ${tableRef(path.table)} as t
    where t.ctid = any(array(
      select d.ctid
      from ${tableRef(tree.table)} as p
      cross join lateral (select c.ctid from ${path.from} where ${path.where} limit ${limit}) as d
      where p.ctid = ${location}::tid
    )) and ${held === undefined ? sql`true` : sql`${held} is not true`}`.execute(connection.db);
  return Number(result.numAffectedRows ?? 0);
}

/** Rows of the tree's table with which a row would be deleted along, the deletable ones first; at most `limit` a path. */
export async function findAncestors(
  connection: Connection,
  tree: RowTree,
  row: { readonly table: TableName; readonly location: string },
  deletable: Condition,
  limit: number,
): Promise<string[]> {
  const locations: string[] = [];
  for (const { from, where } of pathsToTable(tree, row.table, tableAs)) {
    const { rows } = await sql<{ location: string }>`
      with found as materialized (
        select distinct p.ctid as location
        from ${tableRef(tree.table)} as p
        cross join lateral (select c.ctid from ${from} where ${where}) as d
        where d.ctid = ${row.location}::tid
      )
      select t.ctid::text as location
      from ${tableRef(tree.table)} as t
      where t.ctid = any(array(select location from found))
      order by (${toSql(deletable)}) is true desc, t.ctid
      limit ${limit}`.execute(connection.db);
    locations.push(...rows.map(({ location }) => location));
  }
  return [...new Set(locations)];
}
