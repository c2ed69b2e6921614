import type { MikroORM as AnyMikroORM } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { BoundValue } from '../../stored/columns.ts';
import type { EntityReader } from '../entity-reader.ts';
import { findOrm } from '../given-orm.ts';
import { MikroEntities, storeCommonValue } from '../mikro-entities.ts';
import { quoteIdentifier } from './identifiers.ts';

/** Reads entities by MikroORM's metadata for PostgreSQL, as a given instance is configured. */
export function readEntities(entities: readonly AnyEntity[], given?: AnyMikroORM): EntityReader {
  const all = [...new Set(entities)];
  const orm = given === undefined ? createOrm(all) : findOrm(given, all);
  return new MikroEntities(orm, quoteIdentifier, ({ text, values }) => ({
    text,
    values: values.map(storeValue),
  }));
}

/** For the metadata alone: never connects. */
function createOrm(entities: readonly AnyEntity[]): AnyMikroORM {
  return new MikroORM({
    dbName: 'metadata-only',
    entities: [...entities],
    discovery: { warnWhenNoEntities: false },
  });
}

/** A value as JSON can store it and PostgreSQL reads it in the same place. */
function storeValue(value: unknown): BoundValue {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(storeValue);
  return storeCommonValue(value);
}
