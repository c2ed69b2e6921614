import type { AnyEntity } from '../../policy/pass-options.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import { isSameKind, isText } from '../dialect/column-types.ts';
import type { ColumnName } from '../stored/columns.ts';
import type { Scope } from './scope.ts';

/** A property that names rows of a parent. */
interface NamingProperty {
  readonly entity: AnyEntity;
  readonly table: CatalogTable | undefined;
  readonly property: string;
  /** The option that names the property. */
  readonly option: string;
  /** The key is compared as text; undefined if both have one type. */
  readonly as?: 'text' | undefined;
}

/** The parent whose rows are named. */
interface NamedParent {
  readonly entity: AnyEntity;
  readonly table: CatalogTable | undefined;
}

/** A column that names rows of a parent, and the column of the parent that it names. */
export interface ResolvedReference {
  readonly by: ColumnName;
  readonly key: ColumnName;
}

/**
 * Looks up what a property names of a parent: the column that its foreign key or its relation says, else the primary key.
 * Reports to the scope, and returns undefined, if it leads to another table, or if the key is not unique or compares its
 * values in another way.
 */
export function resolveReference(
  child: NamingProperty,
  parent: NamedParent,
  scope: Scope,
): ResolvedReference | undefined {
  if (scope.entities.compositeRelation(child.entity, child.property) !== undefined) {
    return scope.addIssue(
      `${child.option} names ${describeProperty(child, scope)}, a relation of several columns, and rows are named by one column here`,
      'Give the rows a foreign key with on delete cascade, which may have several columns, or name a property with one column',
    );
  }
  const by = scope.column(child.entity, child.table, child.property, child.option);
  if (by === undefined || child.table === undefined || parent.table === undefined) return undefined;
  const named = findNamedColumns(child, by, parent.table, scope);
  if (named === undefined) return undefined;
  const [column, ...others] = named;
  if (column !== undefined && others.length > 0) {
    return scope.addIssue(
      `property ${describeProperty(child, scope)} names another column of ${scope.entities.name(parent.entity)} by its foreign key than by its entity`,
      'Say in the entity which column the foreign key names, with targetKey',
      `columns ${named.join(', ')} of ${parent.table.label}`,
    );
  }
  const key =
    column === undefined
      ? scope.key(parent.entity, parent.table)
      : findUniqueColumn(child, parent.entity, parent.table, column, scope);
  if (key === undefined) return undefined;
  if (child.as === undefined) checkComparable(child.entity, child.property, by, parent.entity, key, scope);
  else checkAsText(child, by, parent.entity, key, scope);
  return { by, key };
}

/** The columns of the parent that foreign keys and relations say; undefined, and reported, if they lead elsewhere. */
function findNamedColumns(
  child: NamingProperty,
  by: ColumnName,
  parent: CatalogTable,
  scope: Scope,
): string[] | undefined {
  const { entities, catalog } = scope;
  const relations = entities.relations(child.entity, child.property);
  const relation = relations.find(({ schema, table }) => catalog.find(schema, table)?.id === parent.id);
  if (relations.length > 0 && relation === undefined) {
    const targets = [...new Set(relations.map(({ target }) => target))].join(' and ');
    return scope.addIssue(
      `${child.option} names ${describeProperty(child, scope)}, which is a relation to ${targets} and not to the parent`,
      `Name the property that leads to the parent, or name ${targets} as the parent`,
      `the parent is in table ${parent.label}`,
    );
  }
  // A key of a partitioned table stands at its partitions.
  const tables = new Set([child.table?.id, ...(child.table?.partitioning?.leaves ?? [])]);
  const keys = catalog.foreignKeys.filter(
    ({ child: table, childColumns }) =>
      tables.has(table) && childColumns.length === 1 && childColumns[0] === by.name,
  );
  const own = keys.filter((key) => key.parent === parent.id);
  if (keys.length > 0 && own.length === 0) {
    return scope.addIssue(
      `${child.option} names ${describeProperty(child, scope)}, whose foreign key leads to another table than that of the parent`,
      'Name the property that leads to the parent',
      `foreign key ${keys.map(({ name }) => name).join(', ')}; the parent is in table ${parent.label}`,
    );
  }
  const columns = own.flatMap(({ parentColumns }) => parentColumns);
  return [...new Set(relation === undefined ? columns : [...columns, relation.references])];
}

/** The column of a parent, which must tell its rows apart. */
function findUniqueColumn(
  child: NamingProperty,
  entity: AnyEntity,
  table: CatalogTable,
  name: string,
  scope: Scope,
): ColumnName | undefined {
  const column = scope.columnOf(entity, table, name);
  if (column === undefined) return undefined;
  const isPrimary = table.primaryKey.length === 1 && table.primaryKey[0] === name;
  if (isPrimary || table.indexes.some((index) => index.unique && index.leading === name)) return column;
  return scope.addIssue(
    `property ${describeProperty(child, scope)} names ${describeColumn(entity, column, scope)}, which is not unique in this database, so that it may name several rows`,
    'Give that column a unique index, or name a property that leads to a unique one',
    `column ${table.label}.${name}`,
  );
}

/** A key that is compared as text must have one text for each value, and the column must be a text. */
function checkAsText(
  child: NamingProperty,
  by: ColumnName,
  parent: AnyEntity,
  key: ColumnName,
  scope: Scope,
): void {
  if (isText(by.type) && by.collation === undefined && /^(smallint|integer|bigint|uuid)$/.test(key.type))
    return;
  scope.addIssue(
    `property ${describeProperty(child, scope)} is to be compared as text with ${describeColumn(parent, key, scope)}, which only works for a text and a whole number or a UUID`,
    "Leave out as: 'text', or delete these rows by an expireRows pass with raw SQL in its where",
    `${by.type} and ${key.type}`,
  );
}

/** A column that references a key must tell apart what the key does, or children of one row are deleted with another. */
export function checkComparable(
  entity: AnyEntity,
  property: string,
  by: ColumnName,
  parent: AnyEntity,
  key: ColumnName,
  scope: Scope,
): void {
  const other = !isSameKind(by.type, key.type)
    ? 'type'
    : by.collation !== key.collation
      ? 'collation'
      : undefined;
  if (other === undefined) return;
  const own = `${scope.entities.name(entity)}.${property}`;
  scope.addIssue(
    `property ${own} has another ${other} than the key that it names, ${describeColumn(parent, key, scope)}, so that values may be equal for one and not for the other`,
    other === 'collation'
      ? 'Give both the same collation in the database'
      : "Give both the same type in the database, say as: 'text' if one is a text and a soft child or reference names it, or delete these rows by an expireRows pass with raw SQL in its where",
    other === 'type'
      ? `${by.type} and ${key.type}`
      : `${by.collation ?? 'default'} and ${key.collation ?? 'default'}`,
  );
}

function describeProperty({ entity, property }: NamingProperty, scope: Scope): string {
  return `${scope.entities.name(entity)}.${property}`;
}

/** A column as the property of its entity; as its name if no property has it. */
function describeColumn(entity: AnyEntity, { name }: ColumnName, { entities }: Scope): string {
  return `${entities.name(entity)}.${entities.findProperty(entity, name) ?? name}`;
}
