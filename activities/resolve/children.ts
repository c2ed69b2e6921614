import { getAgeProperty } from '../../policy/epoch.ts';
import type { SoftChild } from '../../policy/expire-rows.ts';
import type { FileRoot } from '../../policy/file-root.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { ColumnName, ColumnPairs, TableName } from '../stored/columns.ts';
import type {
  CascadeStep,
  DeferredChild,
  StoredChild,
  StoredPointer,
  StoredPath,
  RowTree,
} from '../stored/row-tree.ts';
import { cascadesFrom, forbidsDelete } from './cascades.ts';
import { findForeignKeys, resolveCleared, splitChildren } from './cleared-children.ts';
import { resolveCompositePairs } from './composite-reference.ts';
import { resolvePaths } from './file-roots.ts';
import { resolvePointer } from './pointer.ts';
import type { ResolvedReference } from './reference.ts';
import { resolveReference } from './reference.ts';
import { hasIndexOn } from './scan-choice.ts';
import type { Scope } from './scope.ts';

/** The later pass that deletes a soft child as orphans; undefined if it is deleted with its row. */
export function deferChild(
  child: SoftChild,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  scope: Scope,
): DeferredChild | undefined {
  const later = scope.later.find(
    (pass) =>
      pass.kind === 'deleteOrphans' &&
      pass.entity === child.entity &&
      pass.by === child.by &&
      pass.parent === parentEntity &&
      Reflect.ownKeys(pass.where).length === 0,
  );
  if (Reflect.ownKeys(child.where).length > 0 || child.as !== undefined) return undefined;
  if (later === undefined || child.repoint.length > 0 || child.with.length > 0) return undefined;
  if (scope.entities.compositeRelation(child.entity, child.by) !== undefined) return undefined;
  const table = scope.table(child.entity, ['select', 'delete']);
  const reference = resolveReference(
    { entity: child.entity, table, property: child.by, option: 'by' },
    { entity: parentEntity, table: parent },
    scope,
  );
  const age =
    later.kind === 'deleteOrphans'
      ? scope.entities.column(later.entity, getAgeProperty(later.age))
      : undefined;
  if (table === undefined || reference === undefined) return undefined;
  const { by, key: parentKey } = reference;
  if (hasIndexOn(table, by)) return undefined;
  // A number may be none of an instant, so that the row has no age although the column is not null.
  if (later.kind === 'deleteOrphans' && typeof later.age === 'object') return undefined;
  // That pass never finds a child whose link the database cut, or one without an age.
  if (parent === undefined || hasForeignKey(table, by, parent, scope)) return undefined;
  if (table.columns.get(age ?? '')?.notNull !== true) return undefined;
  const cascades = cascadesFrom(scope.catalog, table);
  return { table: toTableName(table), by, parentKey, cascades, pass: later.name };
}

/** Looks a soft child up; undefined if something is missing. */
export function resolveChild(
  child: SoftChild,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  roots: readonly FileRoot[],
  scope: Scope,
): StoredChild | undefined {
  const table = scope.table(child.entity, ['select', 'delete']);
  const reference = resolveLink(child, table, parentEntity, parent, scope);
  const pointers = child.repoint.map((pointer) => resolvePointer(pointer, scope));
  const { kept, removed } = splitChildren(child.with);
  const children = removed.map((grandchild) => resolveChild(grandchild, child.entity, table, roots, scope));
  const cleared = kept.map((grandchild) => resolveCleared(grandchild, child.entity, table, scope));
  const files = resolvePaths(roots, child.entity, table, scope);
  const where = scope.whichRows(child.entity, child.where);
  if (table === undefined || reference === undefined || parent === undefined) return undefined;
  if (!children.every((grandchild) => grandchild !== undefined)) return undefined;
  if (!cleared.every((grandchild) => grandchild !== undefined)) return undefined;
  const { by, key: parentKey, on } = reference;
  const key = findChildKey(child.entity, [...children, ...cleared], scope);
  if (key === undefined) return undefined;
  const isForeignKey = hasForeignKey(table, by, parent, scope);
  if (where !== undefined && isForeignKey) {
    return scope.addIssue(
      `softChild ${scope.entities.name(child.entity)} has a where, but a foreign key acts on all of its rows, whatever they are`,
      'Leave where out',
      `column ${table.label}.${by.name}`,
    );
  }
  return {
    table: toTableName(table),
    by,
    parentKey,
    ...(on === undefined ? {} : { on }),
    ...(where === undefined ? {} : { where }),
    ...(child.as === undefined ? {} : { as: child.as }),
    beforeParent: isForeignKey || forbidsParent(table, parent, scope),
    pointers: pointers.filter((pointer) => pointer !== undefined),
    cascades: cascadesFrom(scope.catalog, table),
    ...(key === null ? {} : { own: { key, children, ...(cleared.length === 0 ? {} : { cleared }) } }),
    ...(files.length === 0 ? {} : { files }),
  };
}

/** How a soft child names the row that it belongs to, by one column or by a relation of several. */
function resolveLink(
  { entity, by: property, as }: SoftChild,
  table: CatalogTable | undefined,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  scope: Scope,
): (ResolvedReference & { readonly on?: ColumnPairs }) | undefined {
  const relation = scope.entities.compositeRelation(entity, property);
  if (relation === undefined) {
    const child = { entity, table, property, option: 'by', as };
    return resolveReference(child, { entity: parentEntity, table: parent }, scope);
  }
  const on = resolveCompositePairs({ entity, table, relation, as }, parentEntity, parent, scope);
  const [first] = on ?? [];
  const by = table?.columns.get(first?.child ?? '');
  const key = parent?.columns.get(first?.parent ?? '');
  if (on === undefined || by === undefined || key === undefined) return undefined;
  return { by: toColumnName(by), key: toColumnName(key), on };
}

function toColumnName({ name, type }: ColumnName): ColumnName {
  return { name, type };
}

/**
 * The column by which soft children name the rows of an entity; null if there are none. Reports if they are several. Those that
 * name rows by several columns have none of their own.
 */
export function findChildKey(
  entity: AnyEntity,
  children: readonly Pick<StoredChild, 'parentKey' | 'on'>[],
  scope: Scope,
): ColumnName | null | undefined {
  const byColumn = children.filter(({ on }) => on === undefined);
  const keys = new Map(byColumn.map(({ parentKey }) => [parentKey.name, parentKey]));
  if (keys.size < 2) return [...keys.values()][0] ?? children[0]?.parentKey ?? null;
  return scope.addIssue(
    `soft children of ${scope.entities.name(entity)} name its rows by different keys`,
    'Name children by one key, and leave the others to deleteOrphans passes',
    `columns ${[...keys.keys()].join(', ')}`,
  );
}

function hasForeignKey(table: CatalogTable, by: ColumnName, parent: CatalogTable, scope: Scope): boolean {
  return findForeignKeys(table, by, parent, scope).length > 0;
}

/** Whether children may forbid to delete a parent, although it is another one than theirs: both may be in one batch. */
function forbidsParent(table: CatalogTable, parent: CatalogTable, { catalog }: Scope): boolean {
  return catalog
    .referencesTo(parent)
    .some((key) => key.child === table.id && key.enforced && forbidsDelete(key));
}

/** Soft children that a later pass deletes, with what cascades from them, as steps that follow some others. */
export function listDeferredSteps(
  deferred: readonly DeferredChild[],
  earlier: readonly CascadeStep[],
): CascadeStep[] {
  const steps = [...earlier];
  for (const { table, by, parentKey, cascades } of deferred) {
    const at = steps.push({ from: -1, table, on: [{ child: by.name, parent: parentKey.name }] }) - 1;
    steps.push(...cascades.map((step) => ({ ...step, from: step.from === -1 ? at : at + 1 + step.from })));
  }
  return steps;
}

/** The tables of what is deleted along with rows. With repetitions. */
export function listTablesAlong({
  cascades,
  children,
}: Required<Pick<RowTree, 'cascades' | 'children'>>): TableName[] {
  return [...cascades.map((step) => step.table), ...children.flatMap(listChildTables)];
}

/** Every table of which a soft child deletes or repairs rows. */
export function listChildTables({ table, cascades, pointers, own }: StoredChild): TableName[] {
  return [
    table,
    ...cascades.map((step) => step.table),
    ...pointers.map((pointer) => pointer.holder),
    ...(own?.children ?? []).flatMap(listChildTables),
  ];
}

/** What cascades from a soft child, from its own children, and from what points at any of them. */
export function listChildCascades({ cascades, pointers, own }: StoredChild): CascadeStep[] {
  const below = pointers.flatMap((pointer) => pointer.cascades);
  return [...cascades, ...below, ...(own?.children ?? []).flatMap(listChildCascades)];
}

/** Pointers at a soft child and at its own children. */
export function listChildPointers({ pointers, own }: StoredChild): StoredPointer[] {
  return [...pointers, ...(own?.children ?? []).flatMap(listChildPointers)];
}

/** Columns whose files are removed with a soft child and with its own children. */
export function listChildPaths({ files = [], own }: StoredChild): StoredPath[] {
  return [...files, ...(own?.children ?? []).flatMap(listChildPaths)];
}

/** Rows deleted in all tables for each row, by the tables' sizes: 145 for a run with 100 logs, 10 tasks and 34 states. */
export function estimateRowsPerParent(
  table: CatalogTable,
  others: readonly (CatalogTable | undefined)[],
): number {
  const rows = Math.max(1, table.rows ?? 1);
  const dependents = others.reduce((sum, other) => sum + (other?.rows ?? 0), 0);
  return 1 + Math.min(dependents / rows, 100_000);
}

/** The entities that a soft child names, and what belongs to it. */
export function listChildEntities({ entity, repoint, with: own }: SoftChild): AnyEntity[] {
  return [
    entity,
    ...repoint.flatMap((pointer) => [pointer.holder, pointer.target]),
    ...own.flatMap(listChildEntities),
  ];
}
