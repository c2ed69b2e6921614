import type { TableName } from '../../../stored/columns.ts';
import type { RowGraph } from '../../../stored/row-tree.ts';
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
