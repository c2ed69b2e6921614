import type { AnyEntity } from '../../policy/pass-options.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { CompositeRelation } from '../dialect/entity-reader.ts';
import type { ColumnPairs } from '../stored/columns.ts';
import { checkComparable } from './reference.ts';
import type { Scope } from './scope.ts';

/** A relation by which rows name those of a parent. */
interface NamingRelation {
  readonly entity: AnyEntity;
  readonly table: CatalogTable | undefined;
  readonly relation: CompositeRelation;
  readonly as: 'text' | undefined;
}

/**
 * Looks up the columns by which a relation of several columns names rows of a parent. Reports, and returns undefined, if it
 * leads elsewhere or names other columns than the primary key. As by a foreign key, a row with a null in one names nothing.
 */
export function resolveCompositePairs(
  { entity, table, relation, as }: NamingRelation,
  parentEntity: AnyEntity,
  parent: CatalogTable | undefined,
  scope: Scope,
): ColumnPairs | undefined {
  if (table === undefined || parent === undefined) return undefined;
  const { property, columns, references } = relation;
  const named = `by names ${scope.entities.name(entity)}.${property}, a relation of several columns`;
  if (scope.catalog.find(relation.schema, relation.table)?.id !== parent.id) {
    return scope.addIssue(
      `${named} to ${relation.target} and not to the parent`,
      'Name the property that leads to the parent',
      `the parent is in table ${parent.label}`,
    );
  }
  if (as !== undefined) {
    return scope.addIssue(
      `${named}, whose values cannot be compared as text`,
      'Leave as out; each column must have the type of the one that it names',
    );
  }
  const isKey =
    references.length === parent.primaryKey.length &&
    references.every((column) => parent.primaryKey.includes(column));
  if (!isKey) {
    return scope.addIssue(
      `${named} that are not the primary key of ${relation.target} in this database, so that it may name several rows`,
      'Bring entity and database to the same version',
      `columns ${references.join(', ')}; the primary key is ${parent.primaryKey.join(', ')}`,
    );
  }
  const pairs = columns.map((column, n) => ({
    by: scope.columnOf(entity, table, column, property),
    key: scope.columnOf(parentEntity, parent, references[n] ?? ''),
  }));
  const on = pairs.flatMap(({ by, key }) => {
    if (by === undefined || key === undefined) return [];
    checkComparable(entity, property, by, parentEntity, key, scope);
    return [{ child: by.name, parent: key.name }];
  });
  return on.length === pairs.length ? on : undefined;
}
