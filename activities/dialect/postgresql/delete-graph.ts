import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { GraphTable, RowTree } from '../../stored/row-tree.ts';
import { toSql } from '../condition.ts';
import { references } from '../join-path.ts';
import { listTriggers, RowsKeptByTrigger } from '../kept-by-trigger.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { Condition } from '../view.ts';
import type { PostgresRows } from './connection.ts';
import { columnRef, isAt, tableRef } from './identifiers.ts';
import { recordedPathsSql, returningPathsSql } from './recording.ts';

/** Something changed between reading a row and deleting it; the batch is tried again as after a conflict of transactions. */
class RowsChanged extends Error {
  override readonly name = 'RowsChanged';
  readonly code = '40001';
}

/** Locks what is deleted with some locked rows, so that nothing more can reference it. */
export const lockGraph: PostgresRows['lockGraph'] = async (connection, tree, locations, where) => {
  const graph = new RowGraphSql(tree);
  const locks = graph.tables.map(
    (table, n) => sql`${sql.id(`locked_${n}`)} as materialized (
      select from ${tableRef(table)} as t where ${isDeleted(graph, table)} for update of t
    )`,
  );
  const counts = graph.tables.map((_, n) => sql`(select count(*) from ${sql.id(`locked_${n}`)})`);
  await sql`
    with recursive ${deletedSql(tree, graph, locations, where)}, ${sql.join(locks)}
    select ${sql.join(counts, sql` + `)}`.execute(connection.db);
};

/**
 * Deletes some locked rows with all that is deleted with them, in one statement: foreign keys are checked when it ends, so
 * that no order of the tables can be wrong, and nothing is set to null that is deleted anyway.
 */
export const deleteGraph: PostgresRows['deleteGraph'] = async (
  connection,
  tree,
  locations,
  where,
  outbox,
) => {
  const graph = new RowGraphSql(tree);
  const deletes = graph.tables.map((table, n) => {
    const { files = [], pointers = [] } = findTable(tree, table) ?? {};
    const recording = files.length === 0 ? undefined : { paths: files, outbox };
    const groups = pointers.map(
      ({ targetGroup }, at) => sql`, ${columnRef('t', targetGroup)}::text as ${sql.id(`g${at}`)}`,
    );
    return sql`${sql.id(`deleted_${n}`)} as (
      delete from ${tableRef(table)} as t
      where ${isDeleted(graph, table)}
      returning 1 as one${sql.join(groups, sql``)}${returningPathsSql(recording)}
    )${recordedPathsSql(connection, recording, `deleted_${n}`)}`;
  });
  const counts = graph.tables.map((_, n) => sql`(select count(*) from ${sql.id(`deleted_${n}`)})`);
  const groups = graph.tables.map((table, n) => selectGroups(findTable(tree, table), sql.id(`deleted_${n}`)));
  const { rows } = await sql<{ roots: number; isWhole: boolean; groups: (readonly string[])[][] }>`
    with recursive ${deletedSql(tree, graph, locations, where)}, ${sql.join(deletes)}
    select
      (select count(*)::int from root) as roots,
      ${sql.join(counts, sql` + `)} = (select count(*) from deleted) as "isWhole",
      jsonb_build_array(${sql.join(groups)}) as groups`.execute(connection.db);
  const [row] = rows;
  if (row?.isWhole !== true) {
    if (tree.watched !== undefined) throw new RowsKeptByTrigger(listTriggers(tree.watched));
    throw new RowsChanged('rows changed while they were deleted');
  }
  const byTable = new Map(graph.tables.map(({ label }, n) => [label, row.groups[n] ?? []]));
  return { rows: row.roots, groups: (label) => byTable.get(label) ?? [] };
};

/** Parts of a statement: `root`, the rows of which the condition is true; `deleted`, all that is deleted with them. */
export function deletedSql(
  { table }: RowTree,
  graph: RowGraphSql,
  locations: readonly string[],
  where: Condition,
): RawBuilder<unknown> {
  const ways = graph.links.map(
    ({ parent, child, ...link }) => sql`
      select ${graph.number(child)} as number, c.ctid as location
      from ${tableRef(parent)} as p
      join ${tableRef(child)} as c on ${references('c', 'p', link)}
      where g.number = ${graph.number(parent)} and p.ctid = g.location`,
  );
  const below =
    ways.length === 0
      ? sql``
      : sql`
        union
        select w.number, w.location
        from deleted as g
        cross join lateral (${sql.join(ways, sql` union all `)}) as w`;
  return sql`
    root as materialized (
      select t.ctid as location from ${tableRef(table)} as t where ${isAt(locations)} and ${toSql(where)}
    ),
    deleted as (
      select 0 as number, r.location from root as r
      ${below}
    )`;
}

/** Over alias `t` of a table: the row is deleted. */
function isDeleted(graph: RowGraphSql, table: TableName): RawBuilder<boolean> {
  return sql`t.ctid = any(array(select location from deleted where number = ${graph.number(table)}))`;
}

function findTable({ graph }: RowTree, { label }: TableName): GraphTable | undefined {
  return graph?.tables.find(({ table }) => table.label === label);
}

/** The distinct groups of the deleted rows, for each pointer at the table, as a JSON array. */
function selectGroups(found: GraphTable | undefined, source: RawBuilder<unknown>): RawBuilder<unknown> {
  const groups = (found?.pointers ?? []).map((_, at) => {
    const group = sql.id(`g${at}`);
    return sql`to_jsonb(array(select distinct ${group} from ${source} where ${group} is not null))`;
  });
  return sql`to_jsonb(array[${sql.join(groups)}]::jsonb[])`;
}
