import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { StoredNesting } from '../stored/row-tree.ts';
import { cascadesFrom, chainTo } from './cascades.ts';
import type { Scope } from './scope.ts';

/** Looks `nestedBy` up; undefined if something is missing. */
export function resolveNesting(
  pass: ExpireRows,
  property: string,
  table: CatalogTable | undefined,
  scope: Scope,
): StoredNesting | undefined {
  const column = scope.column(pass.entity, table, property, 'nestedBy');
  if (column === undefined || table === undefined) return undefined;
  const key = scope.catalog.foreignKeys.find(
    ({ child, childColumns }) =>
      child === table.id && childColumns.length === 1 && childColumns[0] === column.name,
  );
  const fix = "Name the foreign key that the database sets to null when a row's parent goes";
  if (key === undefined || key.onDelete !== 'set null') {
    return scope.addIssue(
      `nestedBy names ${scope.entities.name(pass.entity)}.${property}, which is no foreign key with on delete set null`,
      fix,
      `column ${table.label}.${column.name}`,
    );
  }
  const references = key.parentColumns[0] ?? '';
  if (key.parent === table.id) return { column, chain: [], references };
  const chain = chainTo(cascadesFrom(scope.catalog, table), scope.catalog.findLabel(key.parent));
  if (chain !== undefined) return { column, chain, references };
  return scope.addIssue(
    `nestedBy names ${scope.entities.name(pass.entity)}.${property}, whose parent does not go with any row of the entity`,
    fix,
  );
}
