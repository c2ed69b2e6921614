import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { RowGraph, RowTree } from '../../../stored/pass.ts';
import { writeGraph } from '../graph-writer.ts';
import { addRepair } from './repair.ts';
import type { DeletedRowsCte, PreviewStatement } from './statement.ts';

/** The columns of a table by which pointers at it are grouped. */
export function listGroups(graph: RowGraph | undefined, { label }: TableName): string[] {
  const pointers = graph?.tables.filter(({ table }) => table.label === label).flatMap((one) => one.pointers);
  return (pointers ?? []).map(({ targetGroup }) => targetGroup.name);
}

/** Adds the repair of pointers at rows that are deleted, once all are. */
export function addGraphRepairs(
  statement: PreviewStatement,
  graph: RowGraph | undefined,
  deleted: readonly DeletedRowsCte[],
): void {
  for (const { table, pointers } of graph?.tables ?? []) {
    for (const rows of deleted.filter(({ label }) => label === table.label)) {
      for (const pointer of pointers) addRepair(statement, pointer, rows);
    }
  }
}

/**
 * Rows of a common table expression without those that a row that stays references, or what is deleted along with them.
 * Returns the name of what is left.
 */
export function leaveForbidden(statement: PreviewStatement, tree: RowTree, cte: string): string {
  const graph = writeGraph(tree);
  if (!graph.forbids) return cte;
  const deleted = statement.addCte((self) =>
    graph.selectDeleted(self, sql`select 0 as number, location from ${sql.id(cte)}`),
  );
  const start = graph.selectReferencing(
    (table) => sql`
      ${statement.isNotDeletedYet(table, 'c')}
      and (${graph.number(table)}, c.ctid) not in (select number, location from ${sql.id(deleted)})`,
  );
  const staying = statement.addCte((self) => graph.selectStaying(self, start, () => sql`true`));
  return statement.addCte(
    () => sql`
      select r.*
      from ${sql.id(cte)} as r
      where not exists (
        select from ${sql.id(staying)} as s where s.number = 0 and s.location = r.location
      )`,
  );
}
