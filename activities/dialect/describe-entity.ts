import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { ReferenceKind } from '@mikro-orm/core';

import type { CompositeRelation, EntityDescription } from './entity-reader.ts';

/** Describes an entity by what MikroORM knows of it. */
export function describeEntity(
  metadata: EntityMetadata,
  defaultSchema: string | undefined,
): EntityDescription {
  const { class: entity, className, tableName, root, discriminatorValue, props } = metadata;
  const schema = findSchema(metadata, defaultSchema);
  const relations = props.filter(isToOne).flatMap((property) => readRelation(property, defaultSchema));
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
    instants: new Set(
      props.flatMap(({ name, columnTypes }) =>
        (columnTypes as readonly string[] | undefined)?.[0] === 'timestamptz' ? [name] : [],
      ),
    ),
    relations: relations.flatMap(({ columns, references, ...relation }) => {
      const [column, ...more] = columns;
      const [reference] = references;
      if (column === undefined || reference === undefined || more.length > 0) return [];
      return [{ ...relation, column, references: reference }];
    }),
    compositeRelations: relations.filter(({ columns }) => columns.length > 1),
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

/** A relation by columns of its own, as a list. */
function readRelation(
  { name, targetMeta, joinColumns, referencedColumnNames }: EntityProperty,
  defaultSchema: string | undefined,
): CompositeRelation[] {
  if (targetMeta === undefined || joinColumns.length !== referencedColumnNames.length) return [];
  const { className, tableName } = targetMeta;
  return [
    {
      property: name,
      target: className,
      schema: findSchema(targetMeta, defaultSchema),
      table: tableName,
      columns: joinColumns,
      references: referencedColumnNames,
    },
  ];
}
