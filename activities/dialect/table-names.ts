import type { TableName } from '../stored/columns.ts';

/** A table's name alone, as a run stores it. */
export function toTableName({ schema, name, label }: TableName): TableName {
  return { schema, name, label };
}

/** Each table once. */
export function distinctTables(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [table.label, toTableName(table)])).values()];
}
