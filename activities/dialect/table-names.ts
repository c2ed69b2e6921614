import type { TableName } from '../stored/columns.ts';
import type { CatalogTable } from './catalog.ts';

/** A table's name alone, as a run stores it. */
export function toTableName({ schema, name, label, ...table }: TableName | CatalogTable): TableName {
  const isPartitioned = 'kind' in table ? table.kind === 'partitioned' : table.partitioned === true;
  return { schema, name, label, ...(isPartitioned ? { partitioned: true } : {}) };
}

/** Each table once. */
export function distinctTables(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [table.label, toTableName(table)])).values()];
}

/** The schemas of the tables that passes work on, each once. */
export function listSchemas(
  passes: readonly { readonly table: TableName; readonly counted: readonly TableName[] }[],
): string[] {
  const tables = passes.flatMap(({ table, counted }) => [table, ...counted]);
  return [...new Set(tables.map(({ schema }) => schema))].toSorted();
}
