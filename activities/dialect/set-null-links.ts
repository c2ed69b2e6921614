import type { RowLink, RowTree } from '../stored/row-tree.ts';
import type { Catalog, CatalogTable } from './catalog.ts';
import { linkToParent } from './join-path.ts';

type SetNullLink = Omit<RowLink, 'child'> & {
  /** The columns that are set to null: not always all of them. */
  readonly columns: readonly string[];
};

/** By what rows of a table reference others that the database sets to null when those are deleted. */
export function listSetNullLinks(catalog: Catalog, table: CatalogTable): SetNullLink[] {
  return catalog.foreignKeys
    .filter(
      ({ child, parent, onDelete }) => child === table.id && onDelete === 'set null' && catalog.has(parent),
    )
    .map(({ parent, childColumns, clearedColumns, parentColumns }) => ({
      parent: catalog.get(parent),
      on: childColumns.map((child, n) => ({ child, parent: parentColumns[n] ?? '' })),
      columns: clearedColumns ?? childColumns,
    }));
}

/** By what rows reference rows of a tree that a pass sets to null before it deletes those. */
export function listClearedLinks({ cleared = [] }: Pick<RowTree, 'cleared'>): RowLink[] {
  return cleared.map((child) => ({ parent: child.parent, child: child.table, ...linkToParent(child) }));
}
