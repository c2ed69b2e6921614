import type { AnyEntity } from '../../policy/pass-options.ts';
import type { SoftChild } from '../../policy/soft-child.ts';
import type { CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { ColumnName, TableName } from '../stored/columns.ts';
import type { ClearedChild, StoredChild } from '../stored/row-tree.ts';
import { resolveReference } from './reference.ts';
import type { Scope } from './scope.ts';
import { refuseRules } from './uncountable.ts';

/** Soft children that stay, without a reference, and those that are deleted. */
export function splitChildren(children: readonly SoftChild[]): Record<'kept' | 'removed', SoftChild[]> {
  return {
    kept: children.filter(({ onDelete }) => onDelete === 'set null'),
    removed: children.filter(({ onDelete }) => onDelete === undefined),
  };
}

/** Looks up a soft child whose reference is set to null; undefined if something is missing or forbids it. */
export function resolveCleared(
  child: SoftChild,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  scope: Scope,
): ClearedChild | undefined {
  const table = scope.table(child.entity, ['select', 'update']);
  const reference = resolveReference(
    { entity: child.entity, table, property: child.by, option: 'by', as: child.as },
    { entity: parentEntity, table: parent },
    scope,
  );
  const where = scope.whichRows(child.entity, child.where);
  if (table === undefined || reference === undefined || parent === undefined) return undefined;
  const { by, key: parentKey } = reference;
  const name = scope.entities.name(child.entity);
  const here = `column ${table.label}.${by.name}`;
  refuseRules(table, 'update', scope);
  const column = table.columns.get(by.name);
  if (column?.notNull === true || column?.computed === true) {
    const why = column.notNull ? 'takes no null' : 'is computed from other columns';
    return scope.addIssue(
      `softChild ${name} is to stay with ${child.by} set to null, which ${why}`,
      'Leave onDelete out, so that the child is deleted; or name the column that the database lets become null',
      here,
    );
  }
  const keys = findForeignKeys(table, by, parent, scope);
  const other = keys.find(({ onDelete }) => onDelete === 'cascade' || onDelete === 'set default');
  if (other !== undefined) {
    return scope.addIssue(
      `softChild ${name} is to stay with ${child.by} set to null, but a foreign key says on delete ${other.onDelete}`,
      'Leave onDelete out, or change the foreign key',
      `foreign key ${other.name}, ${here}`,
    );
  }
  if (where !== undefined && keys.length > 0) {
    return scope.addIssue(
      `softChild ${name} has a where, but a foreign key acts on all of its rows, whatever they are`,
      'Leave where out',
      here,
    );
  }
  return {
    parent: toTableName(parent),
    table: toTableName(table),
    by,
    parentKey,
    ...(where === undefined ? {} : { where }),
    ...(child.as === undefined ? {} : { as: child.as }),
  };
}

/** All that are cleared: by the rows of a pass, and by soft children. */
export function listCleared(own: readonly ClearedChild[], children: readonly StoredChild[]): ClearedChild[] {
  return [
    ...own,
    ...children.flatMap((child) => listCleared(child.own?.cleared ?? [], child.own?.children ?? [])),
  ];
}

/**
 * Refuses children that are cleared where that would be wrong: a row of the pass would move while it is deleted, rows that they
 * name are reached along several ways, or the same children are deleted as well.
 */
export function refuseCleared(
  cleared: readonly ClearedChild[],
  children: readonly StoredChild[],
  root: TableName,
  isTangled: boolean,
  scope: Scope,
): void {
  const deleted = listLinks(root, children);
  for (const { parent, table, by } of cleared) {
    const here = `column ${table.label}.${by.name}`;
    const what = `a softChild is to stay with ${by.name} set to null, `;
    if (table.label === root.label) {
      scope.addIssue(
        `${what}and its table is the one that the pass deletes from`,
        'Give the database a foreign key with on delete set null, and name it as nestedBy if such rows are to wait for their parent',
        here,
      );
    } else if (isTangled) {
      scope.addIssue(
        `${what}and the pass deletes rows along several ways or by several columns, where only the database finds all that it names`,
        'Give the database a foreign key with on delete set null, and leave the softChild out',
        here,
      );
    }
    const isBoth = deleted.some(
      (link) => link.parent === parent.label && link.table === table.label && link.by === by.name,
    );
    if (isBoth) {
      scope.addIssue(
        `${what}and another softChild deletes the rows that it names by the same column`,
        'Leave one of the two out',
        here,
      );
    }
  }
}

function listLinks(
  parent: TableName,
  children: readonly StoredChild[],
): { readonly parent: string; readonly table: string; readonly by: string }[] {
  return children.flatMap(({ table, by, own }) => [
    { parent: parent.label, table: table.label, by: by.name },
    ...listLinks(table, own?.children ?? []),
  ]);
}

/** The foreign keys by which a column, with others or alone, references a parent. */
export function findForeignKeys(
  table: CatalogTable,
  by: ColumnName,
  parent: CatalogTable,
  { catalog }: Scope,
): ForeignKey[] {
  return catalog
    .referencesTo(parent)
    .filter((key) => key.child === table.id && key.childColumns.includes(by.name));
}
