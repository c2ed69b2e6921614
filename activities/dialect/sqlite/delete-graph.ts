import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { RowTree } from '../../stored/row-tree.ts';
import { toSql } from '../condition.ts';
import { references } from '../join-path.ts';
import { listTriggers, RowsKeptByTrigger } from '../kept-by-trigger.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { Outbox } from '../rows.ts';
import type { Condition } from '../view.ts';
import type { Connection, SqliteRows } from './connection.ts';
import { isAt, keyText, tableAs, tableRef } from './identifiers.ts';
import { recordPaths, returningPaths } from './recording.ts';

/**
 * See `Rows.deleteGraph`. Nobody else can write meanwhile, and a row never moves: the rows are listed first and deleted table
 * by table, with foreign keys checked at the end.
 */
export const deleteGraph: SqliteRows['deleteGraph'] = async (connection, tree, locations, where, outbox) => {
  const graph = new RowGraphSql(tree);
  const { rows } = await connection.run(sql<{ number: number; location: string; root: number }>`
    with recursive ${deletedSql(tree, graph, locations, where)}
    select
      number, cast(location as text) as location,
      number = 0 and location in (select location from root) as root
    from deleted`);
  await connection.run(sql`pragma defer_foreign_keys = on`);
  const groups = new Map<string, string[][]>();
  const listed = graph.tables.map((table, n) => ({
    table,
    found: rows.filter(({ number }) => number === n).map(({ location }) => location),
  }));
  for (const { table, found } of listed) {
    groups.set(table.label, await readDependedOn(connection, tree, table, found, outbox));
  }
  // What references comes before what is referenced, for foreign keys that are checked at once.
  for (const { table, found } of listed.toReversed()) {
    await connection.run(sql`delete from ${tableRef(table)} as t where ${isAt(found)}`);
  }
  for (const { table, found } of listed) await assertDeleted(connection, tree, table, found);
  const roots = rows.filter(({ root }) => root === 1).length;
  return { rows: roots, groups: (label) => groups.get(label) ?? [] };
};

/** Parts of a statement: `root`, the rows of which the condition is true; `deleted`, all that is deleted with them. */
export function deletedSql(
  tree: RowTree,
  graph: RowGraphSql,
  locations: readonly string[],
  where: Condition,
): RawBuilder<unknown> {
  const ways = graph.links.map(
    ({ parent, child, ...link }) => sql`
      union
      select ${graph.number(child)}, c.rowid
      from deleted as g, ${tableAs(parent, 'p')} join ${tableAs(child, 'c')} on ${references('c', 'p', link)}
      where g.number = ${graph.number(parent)} and p.rowid = g.location`,
  );
  return sql`
    root as materialized (
      select t.rowid as location from ${tableAs(tree.table, 't')} where ${isAt(locations)} and ${toSql(where)}
    ),
    deleted (number, location) as (
      select 0, location from root
      ${sql.join(ways, sql``)}
    )`;
}

/** A trigger may keep a row: what belongs to it must stay as well, and its files. */
async function assertDeleted(
  connection: Connection,
  { watched }: RowTree,
  table: TableName,
  locations: readonly string[],
): Promise<void> {
  if (watched === undefined) return;
  const { rows } = await connection.run(sql`
    select 1 from ${tableRef(table)} as t where ${isAt(locations)} limit 1`);
  if (rows.length > 0) throw new RowsKeptByTrigger(listTriggers(watched));
}

/** Records the paths of rows, and returns the groups of the pointers at them. */
async function readDependedOn(
  connection: Connection,
  { graph }: RowTree,
  table: TableName,
  locations: readonly string[],
  outbox: Outbox,
): Promise<string[][]> {
  const known = graph?.tables.find((one) => one.table.label === table.label);
  if (known === undefined || known.pointers.length + known.files.length === 0) return [];
  const recording = { paths: known.files, outbox };
  const groups = known.pointers.map(
    ({ targetGroup }, n) => sql`${keyText(targetGroup, 't')} as ${sql.id(`group_${n}`)}`,
  );
  const { rows } = await connection.run(sql<Record<string, string | null>>`
    select ${sql.join([sql`1 as one`, ...groups, ...returningPaths(recording)])}
    from ${tableAs(table, 't')}
    where ${isAt(locations)}`);
  await recordPaths(connection, recording, rows);
  return groups.map((_, n) => [...new Set(rows.flatMap((row) => row[`group_${n}`] ?? []))]);
}
