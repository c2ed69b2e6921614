import type { TableName } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { CatalogTable } from './catalog.ts';
import type { Fingerprinted } from './facts.ts';

/** A table's name alone, as a run stores it. */
export function toTableName({ schema, name, label, ...table }: TableName | CatalogTable): TableName {
  const isPartitioned = 'kind' in table ? table.kind === 'partitioned' : table.partitioned === true;
  return {
    schema,
    name,
    label,
    ...(isPartitioned ? { partitioned: true } : {}),
    ...(table.partitionRoot === undefined ? {} : { partitionRoot: table.partitionRoot }),
  };
}

/** Each table once. */
export function distinctTables(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [table.label, toTableName(table)])).values()];
}

/** Of what a pass has a fingerprint. */
export function listFingerprinted({
  counted,
  known = [],
  triggered,
}: Pick<StoredPass, 'counted' | 'known' | 'triggered'>): Fingerprinted {
  const tables = [...counted, ...known.map(({ table }) => table), ...(triggered?.tables ?? [])];
  return { tables: distinctTables(tables), routines: triggered?.routines ?? [] };
}

/** The schemas of the tables that passes work on, each once. */
export function listSchemas(
  passes: readonly { readonly table: TableName; readonly counted: readonly TableName[] }[],
): string[] {
  const tables = passes.flatMap(({ table, counted }) => [table, ...counted]);
  return [...new Set(tables.map(({ schema }) => schema))].toSorted();
}

/** How many schemas a sentence names. */
const MOST_SCHEMAS = 3;

/** `schema a`, or `schemas a, b, c and 296 more`. */
export function formatSchemas(schemas: readonly string[]): string {
  const hidden = schemas.length - MOST_SCHEMAS;
  const names = schemas.slice(0, MOST_SCHEMAS).join(', ');
  return `schema${schemas.length === 1 ? '' : 's'} ${names}${hidden > 0 ? ` and ${hidden} more` : ''}`;
}
