import type { MikroORM as AnyMikroORM } from '@mikro-orm/core';
import { EntitySchema } from '@mikro-orm/core';
import type { Options } from '@mikro-orm/postgresql';
import { MikroORM } from '@mikro-orm/postgresql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { BoundValue } from '../../stored/columns.ts';
import type { EntityReader } from '../entity-reader.ts';
import { MikroEntities, storeCommonValue } from '../mikro-entities.ts';
import { quoteIdentifier } from './identifiers.ts';

/**
 * Reads entities by MikroORM's metadata for PostgreSQL. A MikroORM instance that was given is used as it is configured: its
 * naming strategy, schema and metadata provider say which tables are meant.
 */
export function readEntities(entities: readonly AnyEntity[], given?: AnyMikroORM): EntityReader {
  return new MikroEntities(findOrm([...new Set(entities)], given), quoteIdentifier, ({ text, values }) => ({
    text,
    values: values.map(storeValue),
  }));
}

function findOrm(entities: readonly AnyEntity[], given: AnyMikroORM | undefined): AnyMikroORM {
  const discovery = { warnWhenNoEntities: false };
  if (given === undefined)
    return new MikroORM({ dbName: 'metadata-only', entities: [...entities], discovery });
  if (entities.every((entity) => isDiscovered(entity, given))) return given;
  // Its settings, for entities that it has not discovered. Nothing connects.
  const settings = given.config.getAll() as Options;
  return new MikroORM({
    ...settings,
    ...(given.em.schema === undefined ? {} : { schema: given.em.schema }),
    entities: [...entities],
    entitiesTs: [],
    discovery: { ...settings.discovery, ...discovery, skipSyncDiscovery: false },
  });
}

/** Whether an instance knows the very entity, and not only another one of its name. */
function isDiscovered(entity: AnyEntity, given: AnyMikroORM): boolean {
  return given.getMetadata().has((EntitySchema.is(entity) ? entity.meta.class : entity) as never);
}

/** A value as JSON can store it and PostgreSQL reads it in the same place. */
function storeValue(value: unknown): BoundValue {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(storeValue);
  return storeCommonValue(value);
}
