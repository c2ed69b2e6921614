import { isDeepStrictEqual } from 'node:util';

import type { Catalog, CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import { linkToParent } from '../dialect/join-path.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { CascadeStep, RowTree, StoredBlocker, StoredChild } from '../stored/row-tree.ts';
import { forbidsDelete, pairColumns } from './cascades.ts';
import { hasIndexOn } from './scan-choice.ts';

type Way = readonly Omit<CascadeStep, 'from'>[];

/** A table of a tree, and the way that leads from a row to those of its rows that are deleted along. */
interface Node {
  readonly table: CatalogTable;
  readonly way: Way;
  /** Soft children of its rows. */
  readonly children: readonly StoredChild[];
}

/**
 * The foreign keys that forbid to delete a row, or what is deleted along with it, while a row that stays references it. One
 * of which the role may not see the rows is left out: then only the delete itself tells.
 */
export function findBlockers(catalog: Catalog, tree: RowTree): StoredBlocker[] {
  const nodes = listNodes(catalog, tree, []);
  return nodes.flatMap((node) =>
    catalog
      .referencesTo(node.table)
      .filter(
        (key) =>
          key.enforced &&
          forbidsDelete(key) &&
          catalog.has(key.child) &&
          !goesBefore(key, node, catalog) &&
          !isCleared(key, tree, catalog),
      )
      .flatMap((key): StoredBlocker[] => {
        const child = catalog.get(key.child);
        if (!child.may.select || child.hidden) return [];
        const ways = nodes.filter(({ table }) => table.id === child.id).map(({ way }) => way);
        const reference = { table: toTableName(child), on: pairColumns(key), indexed: isIndexed(child, key) };
        return [{ name: key.name, reference, path: node.way, ways }];
      }),
  );
}

/** A soft child by the very columns of the foreign key is deleted before its parent. */
function goesBefore(key: ForeignKey, { children }: Node, catalog: Catalog): boolean {
  return children.some(
    (child) =>
      catalog.named(child.table)?.id === key.child &&
      isDeepStrictEqual(
        key.childColumns.toSorted(),
        linkToParent(child)
          .on.map((pair) => pair.child)
          .toSorted(),
      ),
  );
}

/** A soft child by the very columns of the foreign key no longer references its parent. */
function isCleared(key: ForeignKey, { cleared = [] }: RowTree, catalog: Catalog): boolean {
  return cleared.some(
    ({ parent, table, by }) =>
      catalog.named(parent)?.id === key.parent &&
      catalog.named(table)?.id === key.child &&
      key.childColumns.length === 1 &&
      key.childColumns[0] === by.name,
  );
}

/** A table, what cascades from it and its soft children; empty if it was not read. */
function listNodes(catalog: Catalog, { table: name, cascades, children = [] }: RowTree, way: Way): Node[] {
  const table = catalog.named(name);
  if (table === undefined) return [];
  const nodes: Node[] = [{ table, way, children }];
  const ways: Way[] = [];
  for (const { from, ...step } of cascades) {
    const own = [...(ways[from] ?? way), step];
    ways.push(own);
    const below = catalog.named(step.table);
    if (below !== undefined) nodes.push({ table: below, way: own, children: [] });
  }
  return [...nodes, ...children.flatMap((child) => listChildNodes(catalog, child, way))];
}

function listChildNodes(catalog: Catalog, child: StoredChild, way: Way): Node[] {
  const own = [...way, { table: child.table, ...linkToParent(child) }];
  return listNodes(catalog, { table: child.table, cascades: child.cascades, ...child.own }, own);
}

function isIndexed(table: CatalogTable, { childColumns }: ForeignKey): boolean {
  return childColumns.some((name) => {
    const column = table.columns.get(name);
    return column !== undefined && hasIndexOn(table, column);
  });
}
