import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { CascadeStep, RowGraph } from '../../../stored/row-tree.ts';
import { tableRef } from '../identifiers.ts';
import { listGroups } from './graph.ts';
import { referencesKept, selectLocation } from './kept-columns.ts';
import type { DeletedRowsCte, PreviewStatement } from './statement.ts';

/** A table that cascades reach, and the foreign keys that lead to it. */
interface CascadeLevel {
  readonly table: TableName;
  readonly steps: readonly CascadeStep[];
}

/**
 * The tables that cascades reach from a table, each after all from which it is reached; undefined if there is no such order,
 * since one is reached again from itself.
 */
export function orderLevels(steps: readonly CascadeStep[], root: TableName): CascadeLevel[] | undefined {
  const left = new Map(
    steps.map(({ table }) => [
      table.label,
      { table, steps: steps.filter((step) => step.table.label === table.label) },
    ]),
  );
  if (left.has(root.label)) return undefined;
  const levels: CascadeLevel[] = [];
  while (left.size > 0) {
    const next = [...left.values()].find((level) =>
      level.steps.every((step) => !left.has(findParent(steps, step, root).label)),
    );
    if (next === undefined) return undefined;
    left.delete(next.table.label);
    levels.push(next);
  }
  return levels;
}

/**
 * Adds what cascades if a table is reached in several ways: one common table expression a table, each way a plain join,
 * so that the server may hash. From row to row, it would read a child table without an index once for each row.
 */
export function addCascadeLevels(
  statement: PreviewStatement,
  steps: readonly CascadeStep[],
  root: { readonly table: TableName; readonly rows: DeletedRowsCte },
  levels: readonly CascadeLevel[],
  graph: RowGraph | undefined,
): DeletedRowsCte[] {
  const deleted = new Map([[root.table.label, root.rows]]);
  for (const level of levels) {
    const below = steps.filter((step) => findParent(steps, step, root.table).label === level.table.label);
    const kept = [
      ...below.flatMap((step) => step.on.map(({ parent }) => parent)),
      ...listGroups(graph, level.table),
    ];
    const ways = level.steps.map((step) => {
      const parent = deleted.get(findParent(steps, step, root.table).label) ?? root.rows;
      return sql`
        select ${selectLocation('c', kept)}
        from ${tableRef(level.table)} as c
        join ${sql.id(parent.cte)} as d on ${referencesKept(step)}
        where ${statement.isNotDeletedYet(level.table, 'c')}`;
    });
    const cte = statement.addCte(() => sql.join(ways, sql` union `));
    deleted.set(level.table.label, statement.markDeleted(level.table, cte));
  }
  return levels.flatMap(({ table }) => deleted.get(table.label) ?? []);
}

function findParent(steps: readonly CascadeStep[], step: CascadeStep, root: TableName): TableName {
  return steps[step.from]?.table ?? root;
}
