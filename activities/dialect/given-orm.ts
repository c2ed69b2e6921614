import { EntitySchema, MikroORM } from '@mikro-orm/core';

import type { AnyEntity } from '../../policy/pass-options.ts';

/**
 * A MikroORM instance that was given, for entities of a policy. It is used as it is configured: its naming strategy, schema
 * and metadata provider say which tables are meant. Nothing connects.
 */
export function findOrm(given: MikroORM, entities: readonly AnyEntity[]): MikroORM {
  if (entities.every((entity) => isDiscovered(entity, given))) return given;
  // Its settings, for entities that it has not discovered.
  const settings = given.config.getAll();
  const schema = (given.em as { readonly schema?: string }).schema;
  return new MikroORM({
    ...settings,
    ...(schema === undefined ? {} : { schema }),
    entities: [...entities],
    entitiesTs: [],
    discovery: { ...settings.discovery, warnWhenNoEntities: false, skipSyncDiscovery: false },
  });
}

/** Whether an instance knows the very entity, and not only another one of its name. */
function isDiscovered(entity: AnyEntity, given: MikroORM): boolean {
  return given.getMetadata().has((EntitySchema.is(entity) ? entity.meta.class : entity) as never);
}
