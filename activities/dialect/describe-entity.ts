import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { ReferenceKind } from '@mikro-orm/core';

import type { EntityDescription, EntityRelation } from './entity-reader.ts';

/** Describes an entity by what MikroORM knows of it. */
export function describeEntity(
  metadata: EntityMetadata,
  defaultSchema: string | undefined,
): EntityDescription {
  const { class: entity, className, tableName, root, discriminatorValue, props } = metadata;
  const schema = findSchema(metadata, defaultSchema);
  return {
    entity,
    name: className,
    schema,
    lacksSchema: metadata.schema === '*' && schema === undefined,
    table: tableName,
    isPartOfTable: discriminatorValue !== undefined && root.className !== className,
    columns: new Map(
      props.flatMap(({ name, fieldNames }) => {
        // A relation that its other side owns has none, whatever the type says.
        const [column, ...more] = (fieldNames as string[] | undefined) ?? [];
        return column === undefined || more.length > 0 ? [] : [[name, column]];
      }),
    ),
    compositeColumns: new Map(
      props
        .filter((property) => isToOne(property) && property.joinColumns.length > 1)
        .map(({ name, joinColumns }) => [name, joinColumns]),
    ),
    instants: new Set(
      props.flatMap(({ name, columnTypes }) =>
        (columnTypes as readonly string[] | undefined)?.[0] === 'timestamptz' ? [name] : [],
      ),
    ),
    relations: props.filter(isToOne).flatMap((property) => readRelation(property, defaultSchema)),
  };
}

/** The schema of an entity: '*' is MikroORM's mark for one that is chosen at run time. */
function findSchema({ schema }: EntityMetadata, defaultSchema: string | undefined): string | undefined {
  return schema === undefined || schema === '*' ? defaultSchema : schema;
}

/** Whether a property names one row of one other entity, by columns of its own. */
function isToOne({ kind, owner, polymorphic }: EntityProperty): boolean {
  const isOne = kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner);
  return isOne && polymorphic !== true;
}

/** A relation that has one column of its own, as a list. */
function readRelation(
  { name, targetMeta, joinColumns: [column, ...more], referencedColumnNames: [references] }: EntityProperty,
  defaultSchema: string | undefined,
): EntityRelation[] {
  if (targetMeta === undefined) return [];
  if (column === undefined || references === undefined || more.length > 0) return [];
  const { className, tableName } = targetMeta;
  return [
    {
      property: name,
      target: className,
      schema: findSchema(targetMeta, defaultSchema),
      table: tableName,
      column,
      references,
    },
  ];
}
