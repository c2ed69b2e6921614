import { MikroORM } from '@mikro-orm/postgresql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { BoundValue } from '../../stored/columns.ts';
import type { EntityReader } from '../entity-reader.ts';
import { MikroEntities, storeCommonValue } from '../mikro-entities.ts';
import { quoteIdentifier } from './identifiers.ts';

/** Reads entities by MikroORM's metadata for PostgreSQL. */
export function readEntities(entities: readonly AnyEntity[]): EntityReader {
  const orm = new MikroORM({
    dbName: 'metadata-only',
    entities: [...new Set(entities)],
    discovery: { warnWhenNoEntities: false },
  });
  return new MikroEntities(orm, quoteIdentifier, storeValue);
}

/** A value as JSON can store it and PostgreSQL reads it in the same place. */
function storeValue(value: unknown): BoundValue {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(storeValue);
  return storeCommonValue(value);
}
