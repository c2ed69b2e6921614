import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { RowTree } from '../../stored/row-tree.ts';
import { pathsByCascades, pathsToDependents, pathsToTable } from '../cascade-paths.ts';
import { toSql } from '../condition.ts';
import type { Condition, Holds } from '../view.ts';
import type { Connection } from './connection.ts';
import { isHeldRow } from './holds.ts';
import { tableAs, tableRef } from './identifiers.ts';

/** See `Rows.countDependents`. What cascades from soft children is not counted. */
export async function countDependents(
  connection: Connection,
  tree: RowTree,
  locations: readonly string[],
  limit: number,
): Promise<number[]> {
  const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
  const counts = pathsToDependents(tree, tableAs).map(
    ({ from, where }) => sql` + (select count(*) from (select 1 from ${from} where ${where} limit ${most}))`,
  );
  const { rows } = await connection.run(sql<{ dependents: number }>`
    select 1${sql.join(counts, sql``)} as dependents
    from json_each(${JSON.stringify(locations)}) as w
    join ${tableAs(tree.table, 'p')} on p.rowid = cast(w.value as integer)
    order by w.key`);
  return rows.map((row) => row.dependents);
}

/** See `Rows.deleteDependents`. */
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
  const { changes } = await connection.run(sql`
    delete from ${tableRef(path.table)} as t
    where
      t.rowid in (
        select c.rowid
        from ${tableAs(tree.table, 'p')}, ${path.from}
        where p.rowid = cast(${location} as integer) and ${path.where}
        limit ${limit}
      )
      and ${held === undefined ? sql`true` : sql`${held} is not true`}`);
  return changes;
}

/** See `Rows.findAncestors`. */
export async function findAncestors(
  connection: Connection,
  tree: RowTree,
  row: { readonly table: TableName; readonly location: string },
  deletable: Condition,
  limit: number,
): Promise<string[]> {
  const locations: string[] = [];
  for (const { from, where } of pathsToTable(tree, row.table, tableAs)) {
    const { rows } = await connection.run(sql<{ location: string }>`
      select cast(t.rowid as text) as location
      from ${tableAs(tree.table, 't')}
      where t.rowid in (
        select p.rowid
        from ${tableAs(tree.table, 'p')}, ${from}
        where c.rowid = cast(${row.location} as integer) and ${where}
      )
      order by (${toSql(deletable)}) is true desc, t.rowid
      limit ${limit}`);
    locations.push(...rows.map(({ location }) => location));
  }
  return [...new Set(locations)];
}
