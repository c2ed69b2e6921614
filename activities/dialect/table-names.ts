import type { TableName } from '../stored/columns.ts';

/** A table's name alone, as a run stores it. */
export function toTableName({ schema, name, label }: TableName): TableName {
  return { schema, name, label };
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
