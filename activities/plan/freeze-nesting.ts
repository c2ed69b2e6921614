import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import type { CascadeStep } from './cascades.ts';
import { cascadesFrom, chainTo } from './cascades.ts';
import type { Scope } from './scope.ts';

/** How rows of a table are nested in one another, looked up. */
export interface FrozenNesting {
  /** Set while the row is nested. */
  readonly column: ColumnName;
  /** From the table down to the one whose rows the column names; empty where that is the table itself. */
  readonly chain: readonly CascadeStep[];
  /** What the column names of the last table of the chain. */
  readonly references: string;
}

/** Looks `nestedBy` up; undefined where something is missing. */
export function freezeNesting(
  pass: ExpireRows,
  property: string,
  table: CatalogTable | undefined,
  scope: Scope,
): FrozenNesting | undefined {
  const column = scope.column(pass.entity, table, property, 'nestedBy');
  if (column === undefined || table === undefined) return undefined;
  const key = scope.catalog.foreignKeys.find(
    ({ child, childColumns }) =>
      child === table.oid && childColumns.length === 1 && childColumns[0] === column.name,
  );
  const fix = "Name the foreign key that the database sets to null when a row's parent goes";
  if (key === undefined || key.onDelete !== 'set null') {
    return scope.mistake(
      `nestedBy names ${scope.entities.name(pass.entity)}.${property}, which is no foreign key with on delete set null`,
      fix,
      `column ${table.label}.${column.name}`,
    );
  }
  const references = key.parentColumns[0] ?? '';
  if (key.parent === table.oid) return { column, chain: [], references };
  const chain = chainTo(cascadesFrom(scope.catalog, table), scope.catalog.labelOf(key.parent));
  if (chain !== undefined) return { column, chain, references };
  return scope.mistake(
    `nestedBy names ${scope.entities.name(pass.entity)}.${property}, whose parent does not go with any row of the entity`,
    fix,
  );
}
