import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import { linkToParent } from '../dialect/join-path.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { TableName } from '../stored/columns.ts';
import type {
  CascadeStep,
  ClearedChild,
  GraphTable,
  RowGraph,
  RowLink,
  StoredChild,
  StoredPath,
  StoredPointer,
} from '../stored/row-tree.ts';
import { pairColumns } from './cascades.ts';

/** Rows of a pass with what is deleted along with them. */
interface Root {
  readonly table: CatalogTable;
  readonly children: readonly StoredChild[];
  readonly files: readonly StoredPath[];
  readonly cleared: readonly ClearedChild[];
}

/** What is found by following links. */
interface FoundGraph {
  readonly graph: RowGraph;
  /** All links, in the order in which they are reached. */
  readonly cascades: readonly CascadeStep[];
}

/**
 * How rows of a pass are deleted if deleting the tables one after the other would be wrong; undefined if it is right. It is
 * wrong if
 *
 * - a row that something depends on (soft children, pointers, files) can be reached along two ways: what the database
 *   deletes by itself is not returned, so that nobody would look for what depends on it;
 * - a row references soft children that are deleted before it;
 * - soft children name rows by several columns, which the lists of their keys do not have.
 */
export function findGraph(catalog: Catalog, root: Root): FoundGraph | undefined {
  const soft = listSoftLinks(toTableName(root.table), root.children);
  const links = followLinks(catalog, root.table, soft);
  const tables = listGraphTables(root);
  const depended = new Set([
    ...[...soft, ...root.cleared].map(({ parent }) => parent.label),
    ...tables
      .filter(({ pointers, files }) => pointers.length + files.length > 0)
      .map(({ table }) => table.label),
  ]);
  const countWays = (label: string): number =>
    links.filter(({ child }) => child.label === label).length + (label === root.table.label ? 1 : 0);
  const isTangled = [...depended].some((label) => countWays(label) > 1);
  const isComposite = soft.some(({ on }) => on.length > 1);
  if (!isTangled && !isComposite && !pointsBack(catalog, root.table, root.children)) return undefined;
  return { graph: { tables }, cascades: toSteps(links, root.table) };
}

function listSoftLinks(parent: TableName, children: readonly StoredChild[]): RowLink[] {
  return children.flatMap((child) => [
    { parent, child: child.table, ...linkToParent(child) },
    ...listSoftLinks(child.table, child.own?.children ?? []),
  ]);
}

/** Every link that a delete in a table takes, each once; a soft child with a foreign key that cascades is one link. */
function followLinks(catalog: Catalog, table: CatalogTable, soft: readonly RowLink[]): RowLink[] {
  const found = new Map<string, RowLink>();
  const reached = new Map<string, TableName>([[table.label, table]]);
  for (const [label, name] of reached) {
    const parent = catalog.named(name);
    if (parent === undefined) continue;
    const hard = catalog
      .referencesTo(parent)
      .filter(({ onDelete }) => onDelete === 'cascade')
      .map((key) => ({
        parent: toTableName(parent),
        child: toTableName(catalog.get(key.child)),
        on: pairColumns(key),
      }));
    for (const link of [...hard, ...soft.filter((one) => one.parent.label === label)]) {
      found.set(linkKey(link), link);
      if (!reached.has(link.child.label)) reached.set(link.child.label, link.child);
    }
  }
  return [...found.values()];
}

function linkKey({ parent, child, on, where }: RowLink): string {
  return JSON.stringify([parent.label, child.label, on, where]);
}

/**
 * Whether a row references what is deleted before it: the delete would be forbidden, or take the reference out of the row,
 * which lies elsewhere then.
 */
function pointsBack(catalog: Catalog, table: TableName, children: readonly StoredChild[]): boolean {
  const first = new Set(children.filter(({ beforeParent }) => beforeParent).flatMap(listLabels));
  return (
    catalog.foreignKeys.some(
      ({ child, parent, onDelete, enforced }) =>
        enforced &&
        onDelete !== 'cascade' &&
        catalog.findLabel(child) === table.label &&
        first.has(catalog.findLabel(parent) ?? ''),
    ) || children.some((child) => pointsBack(catalog, child.table, child.own?.children ?? []))
  );
}

function listLabels({ table, cascades, own }: StoredChild): string[] {
  return [
    table.label,
    ...cascades.map((step) => step.table.label),
    ...(own?.children ?? []).flatMap(listLabels),
  ];
}

/** The tables whose rows pointers point at, or that record files. */
function listGraphTables({ table, files, children }: Omit<Root, 'cleared'>): GraphTable[] {
  const found = new Map<string, { table: TableName; pointers: StoredPointer[]; files: StoredPath[] }>();
  const add = (of: TableName, pointers: readonly StoredPointer[], paths: readonly StoredPath[]): void => {
    const known = found.get(of.label) ?? { table: of, pointers: [], files: [] };
    known.pointers.push(...pointers);
    if (known.files.length === 0) known.files.push(...paths);
    found.set(of.label, known);
  };
  const addChild = (child: StoredChild): void => {
    add(child.table, child.pointers, child.files ?? []);
    for (const grandchild of child.own?.children ?? []) addChild(grandchild);
  };
  add(toTableName(table), [], files);
  for (const child of children) addChild(child);
  return [...found.values()];
}

/** The links as steps: the parent of each is a table that an earlier one reaches. */
function toSteps(links: readonly RowLink[], { label }: TableName): CascadeStep[] {
  return links.map(({ parent, child, ...link }) => ({
    from: parent.label === label ? -1 : links.findIndex((other) => other.child.label === parent.label),
    table: child,
    ...link,
  }));
}
