import type { SoftChild } from '../../policy/expire-rows.ts';
import type { FileRoot } from '../../policy/file-root.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import type { FrozenPath } from '../sql/recording.ts';
import type { CascadeStep } from './cascades.ts';
import { cascadesFrom } from './cascades.ts';
import { freezePointer } from './freeze-pointer.ts';
import { freezePaths } from './freeze-root.ts';
import type { Scope } from './scope.ts';
import { nameOf } from './scope.ts';
import { hasIndexOn } from './strategy.ts';

/** A soft child with its table and column looked up. */
export interface FrozenChild {
  readonly table: TableName;
  readonly by: ColumnName;
  /**
   * It has a foreign key after all. The parent cannot go first: the database would forbid it, unlink the child for
   * good, or take the child before pointers at it are repaired.
   */
  readonly beforeParent: boolean;
  readonly pointers: readonly FrozenPointer[];
  /** What cascades from the child. */
  readonly cascades: readonly CascadeStep[];
  /** What belongs to the child in turn; runs that older versions began have none. */
  readonly own?: { readonly key: ColumnName; readonly children: readonly FrozenChild[] };
  /** Columns whose files go too. */
  readonly files?: readonly FrozenPath[];
}

/**
 * A soft child that is left to a later pass for orphans. Without an index on the column that names the row each batch
 * would read the whole table of the child; that pass reads it once.
 */
export interface LeftChild {
  readonly table: TableName;
  readonly by: ColumnName;
  /** The name of the pass. */
  readonly to: string;
}

/** The later pass that a soft child is left to; undefined where it goes with its row. */
export function leaveChild(
  child: SoftChild,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  scope: Scope,
): LeftChild | undefined {
  const later = scope.later.find(
    (pass) =>
      pass.kind === 'deleteOrphans' &&
      pass.entity === child.entity &&
      pass.by === child.by &&
      pass.parent === parentEntity &&
      Reflect.ownKeys(pass.where).length === 0,
  );
  if (later === undefined || child.repoint.length > 0 || child.with.length > 0) return undefined;
  const table = scope.table(child.entity, ['select', 'delete']);
  const by = scope.column(child.entity, table, child.by, 'by');
  const age = later.kind === 'deleteOrphans' ? scope.entities.column(later.entity, later.age) : undefined;
  if (table === undefined || by === undefined || hasIndexOn(table, by)) return undefined;
  // That pass never finds a child whose link the database cut, or one without an age.
  if (parent === undefined || hasForeignKey(table, by, parent, scope)) return undefined;
  if (table.columns.get(age ?? '')?.notNull !== true) return undefined;
  return { table: nameOf(table), by, to: later.name };
}

/** Looks a soft child up; undefined where something is missing. */
export function freezeChild(
  child: SoftChild,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  roots: readonly FileRoot[],
  scope: Scope,
): FrozenChild | undefined {
  const table = scope.table(child.entity, ['select', 'delete']);
  const by = scope.column(child.entity, table, child.by, 'by');
  const pointers = child.repoint.map((pointer) => freezePointer(pointer, scope));
  const key = child.with.length === 0 ? undefined : scope.key(child.entity, table);
  const children = child.with.map((grandchild) => freezeChild(grandchild, child.entity, table, roots, scope));
  const files = freezePaths(roots, child.entity, table, scope);
  if (table === undefined || by === undefined || parent === undefined) return undefined;
  if (!children.every((grandchild) => grandchild !== undefined)) return undefined;
  scope.comparable(child.entity, child.by, by, scope.key(parentEntity, parent));
  const beforeParent = hasForeignKey(table, by, parent, scope);
  return {
    table: nameOf(table),
    by,
    beforeParent,
    pointers: pointers.filter((pointer) => pointer !== undefined),
    cascades: cascadesFrom(scope.catalog, table),
    ...(key === undefined ? {} : { own: { key, children } }),
    ...(files.length === 0 ? {} : { files }),
  };
}

function hasForeignKey(
  table: CatalogTable,
  by: ColumnName,
  parent: CatalogTable,
  { catalog }: Scope,
): boolean {
  return catalog
    .referencesTo(parent)
    .some((key) => key.child === table.oid && key.childColumns.includes(by.name));
}

/** Every table from which rows go with soft children, or are repaired. */
export function tablesOf({ table, cascades, pointers, own }: FrozenChild): TableName[] {
  return [
    table,
    ...cascades.map((step) => step.table),
    ...pointers.map((pointer) => pointer.holder),
    ...(own?.children ?? []).flatMap(tablesOf),
  ];
}

/** What cascades from soft children, from theirs in turn, and from what points at any of them. */
export function cascadesOf({ cascades, pointers, own }: FrozenChild): CascadeStep[] {
  const below = pointers.flatMap((pointer) => pointer.cascades ?? []);
  return [...cascades, ...below, ...(own?.children ?? []).flatMap(cascadesOf)];
}

/** Pointers at soft children, and at theirs in turn. */
export function pointersOf({ pointers, own }: FrozenChild): FrozenPointer[] {
  return [...pointers, ...(own?.children ?? []).flatMap(pointersOf)];
}

/** Columns whose files go with soft children, and with theirs in turn. */
export function pathsOf({ files = [], own }: FrozenChild): FrozenPath[] {
  return [...files, ...(own?.children ?? []).flatMap(pathsOf)];
}

/** Rows that go along with one row, by the tables' sizes: 145 for a run with 100 logs, 10 tasks and 34 states. */
export function familySizeOf(table: CatalogTable, others: readonly (CatalogTable | undefined)[]): number {
  const rows = Math.max(1, table.rows ?? 1);
  const family = others.reduce((sum, other) => sum + (other?.rows ?? 0), 0);
  return 1 + Math.min(family / rows, 100_000);
}
