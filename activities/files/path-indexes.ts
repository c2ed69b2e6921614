import { isTextList } from '../dialect/column-types.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredRoot } from '../stored/pass.ts';

/** Indexes by which batches look up whether a row still records a path. Paths of a list, of JSON or a pattern have none. */
export function listPathIndexes({
  recordedBy,
}: StoredRoot): { readonly table: TableName; readonly column: string; readonly why: string }[] {
  const whole = recordedBy.filter(
    ({ column, parts, json }) => parts === undefined && json === undefined && !isTextList(column.type),
  );
  return whole.map(({ table, column }) => ({
    table,
    column: column.name,
    why: 'looks paths up in it, and reads the whole table in every batch',
  }));
}
