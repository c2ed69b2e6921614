import { MikroORM } from '@mikro-orm/core';
import { SqliteDriver } from '@mikro-orm/sql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { EntityReader } from '../entity-reader.ts';
import { MikroEntities } from '../mikro-entities.ts';
import { translateFilter } from './filter.ts';

/** Reads entities by MikroORM's metadata for SQLite. */
export function readEntities(entities: readonly AnyEntity[]): EntityReader {
  const orm = new MikroORM({
    driver: SqliteDriver,
    dbName: 'metadata-only',
    entities: [...new Set(entities)],
    discovery: { warnWhenNoEntities: false },
  });
  return new MikroEntities(orm as never, quote, translateFilter);
}

function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}
