import type { TableName } from '../stored/columns.ts';
import type { StoredRoot } from '../stored/pass.ts';

/** Indexes by which batches look up whether a row still records a path. */
export function listPathIndexes({
  recordedBy,
}: StoredRoot): { readonly table: TableName; readonly column: string; readonly why: string }[] {
  return recordedBy.map(({ table, column }) => ({
    table,
    column: column.name,
    why: 'looks paths up in it, and reads the whole table in every batch',
  }));
}
