import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { CascadeStep, RowGraph, StoredChild } from '../../../stored/row-tree.ts';
import { isTree } from '../../cascade-paths.ts';
import { linkToParent, references } from '../../join-path.ts';
import { RowGraphSql } from '../../row-graph.ts';
import { tableRef } from '../identifiers.ts';
import { addCascadeLevels, orderLevels } from './cascade-levels.ts';
import { addGraphRepairs, listGroups } from './graph.ts';
import { referencesKept, selectLocation } from './kept-columns.ts';
import { addRepair } from './repair.ts';
import type { DeletedRowsCte, PreviewStatement } from './statement.ts';

/** Columns of the table of a step, or of the tree's own table for -1, that its cascades look at. */
export function columnsForCascades(steps: readonly CascadeStep[], from: number): string[] {
  return steps.filter((step) => step.from === from).flatMap((step) => step.on.map(({ parent }) => parent));
}

/**
 * Adds what is deleted along with some rows, in the order of the deletes. A soft child with a foreign key is deleted
 * before its parent, with what belongs to it in turn, although the foreign key may cascade to it.
 */
export function addDependents(
  statement: PreviewStatement,
  {
    table,
    cascades,
    own,
    graph,
  }: Pick<StoredChild, 'table' | 'cascades'> & {
    readonly own: StoredChild['own'] | undefined;
    readonly graph?: RowGraph | undefined;
  },
  root: DeletedRowsCte,
): void {
  const addChildren = (beforeParent: boolean): void => {
    if (own === undefined) return;
    for (const child of own.children) {
      if (child.beforeParent === beforeParent) addChild(statement, child, root);
    }
  };
  addChildren(true);
  const levels = isTree(cascades, table) ? undefined : orderLevels(cascades, table);
  const along = { table, rows: root };
  const deleted = isTree(cascades, table)
    ? addCascadeTree(statement, cascades, root, graph)
    : levels === undefined
      ? addCascadeGraph(statement, cascades, table, root, graph)
      : addCascadeLevels(statement, cascades, along, levels, graph);
  addGraphRepairs(statement, graph, [root, ...deleted]);
  addChildren(false);
}

/** Adds the soft children of some rows, what belongs to those, and the repair of pointers at them. */
function addChild(statement: PreviewStatement, child: StoredChild, parent: DeletedRowsCte): void {
  const { table, by, cascades, own, pointers } = child;
  const columns = [
    ...columnsForCascades(cascades, -1),
    ...pointers.map(({ targetGroup }) => targetGroup.name),
    ...(own === undefined ? [] : [own.key.name]),
  ];
  const cte = statement.addCte(
    () => sql`
      select ${selectLocation('c', columns)}
      from ${statement.tableBefore(table, 'c')}
      join ${sql.id(parent.cte)} as d on ${referencesKept(linkToParent(child))}
      where ${statement.isNotDeletedYet(table, 'c', { by: by.name, parent: parent.label })}`,
  );
  const root = statement.markDeleted(table, cte);
  addDependents(statement, { table, cascades, own }, root);
  for (const pointer of pointers) addRepair(statement, pointer, root);
}

/** Each table is reached in one way: one common table expression a step, each a plain join with the one above. */
function addCascadeTree(
  statement: PreviewStatement,
  steps: readonly CascadeStep[],
  root: DeletedRowsCte,
  graph: RowGraph | undefined,
): DeletedRowsCte[] {
  const deleted: DeletedRowsCte[] = [];
  for (const [n, step] of steps.entries()) {
    const parent = deleted[step.from] ?? root;
    const cte = statement.addCte(
      () => sql`
        select distinct ${selectLocation('c', [...columnsForCascades(steps, n), ...listGroups(graph, step.table)])}
        from ${tableRef(step.table)} as c
        join ${sql.id(parent.cte)} as d on ${referencesKept(step)}
        where ${statement.isNotDeletedYet(step.table, 'c')}`,
    );
    deleted.push(statement.markDeleted(step.table, cte));
  }
  return deleted;
}

/**
 * A table is reached again from itself. One common table expression follows all foreign keys from
 * row to row until nothing new comes. Each foreign key is one of the steps: they are the whole graph.
 */
function addCascadeGraph(
  statement: PreviewStatement,
  steps: readonly CascadeStep[],
  table: TableName,
  root: DeletedRowsCte,
  graph: RowGraph | undefined,
): DeletedRowsCte[] {
  const rows = new RowGraphSql({ table, cascades: steps });
  const ways = rows.links.map(
    ({ parent, child, ...link }) => sql`
      select ${rows.number(child)} as number, c.ctid as location
      from ${tableRef(parent)} as p
      join ${tableRef(child)} as c on ${references('c', 'p', link)}
      where
        g.number = ${rows.number(parent)}
        and p.ctid = g.location
        and ${statement.isNotDeletedYet(child, 'c')}`,
  );
  const reached = statement.addCte(
    (self) => sql`
      select 0 as number, r.location
      from ${sql.id(root.cte)} as r
      union
      select w.number, w.location
      from ${self} as g
      cross join lateral (${sql.join(ways, sql` union all `)}) as w`,
  );
  return rows.tables.map((found, number) => {
    // The rows of the root are counted already.
    const isNew =
      number === 0
        ? sql`not exists (select from ${sql.id(root.cte)} as r where r.location = f.location)`
        : sql`true`;
    const cte = statement.addCte(
      () => sql`
        select ${selectLocation('c', listGroups(graph, found))}
        from ${sql.id(reached)} as f
        join ${tableRef(found)} as c on c.ctid = f.location
        where f.number = ${number}::int and ${isNew}`,
    );
    return statement.markDeleted(found, cte);
  });
}
