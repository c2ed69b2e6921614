import { MikroORM } from '@mikro-orm/core';
import { SqliteDriver } from '@mikro-orm/sql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { EntityReader } from '../entity-reader.ts';
import { findOrm } from '../given-orm.ts';
import { MikroEntities } from '../mikro-entities.ts';
import { translateFilter } from './filter.ts';

/** Reads entities by MikroORM's metadata for SQLite, as a given instance is configured. */
export function readEntities(entities: readonly AnyEntity[], given?: MikroORM): EntityReader {
  const all = [...new Set(entities)];
  const orm = given === undefined ? createOrm(all) : findOrm(given, all);
  return new MikroEntities(orm, quote, translateFilter);
}

/** For the metadata alone: never connects. */
function createOrm(entities: AnyEntity[]): MikroORM {
  return new MikroORM({
    driver: SqliteDriver,
    dbName: 'metadata-only',
    entities,
    discovery: { warnWhenNoEntities: false },
  }) as never;
}

function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}
