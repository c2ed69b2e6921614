import type { EntityKey, EntityName } from '@mikro-orm/core';

import type { AnyEntity } from './pass-options.ts';
import { EntitySchema, listSchema, PropertySchema, strictOptions } from './strict-options.ts';

/**
 * Rows that point at "the newest of their group" without a foreign key, and copy some of its columns: Prefect's
 * artifact collections, a `latest_version_id`, a cached last order.
 */
export interface LatestPointerOptions<Holder, Target> {
  /** The entity whose rows point. */
  readonly holder: EntityName<Holder>;
  /** The holder's property with the target's primary key. Rows where it is null point at nothing, and stay. */
  readonly pointer: EntityKey<Holder>;
  /** The entity pointed at. */
  readonly target: EntityName<Target>;
  /** The property that names the group, on the holder (where it is unique) and on the target. Null is no group. */
  readonly group: EntityKey<Holder> & EntityKey<Target>;
  /** The target's property that says which one is the newest; null is the oldest, ties go to the larger primary key. */
  readonly newest: EntityKey<Target>;
  /** Properties, named alike on both, that the holder copies from the target it points at. Default: none. */
  readonly copy?: readonly (EntityKey<Holder> & EntityKey<Target>)[];
}

/** A {@link latestPointer}, for `repointLatest` passes and for the `repoint` option of others. */
export interface LatestPointer {
  readonly holder: AnyEntity;
  readonly pointer: string;
  readonly target: AnyEntity;
  readonly group: string;
  readonly newest: string;
  readonly copy: readonly string[];
}

/**
 * Describes rows that point at the newest of their group. If a pass deletes targets, it repairs the pointers in
 * the same transaction: moved to the newest survivor with its copied columns, deleted if none survives.
 */
export function latestPointer<Holder, Target>(options: LatestPointerOptions<Holder, Target>): LatestPointer {
  return Object.freeze({ ...options, copy: options.copy ?? [] });
}

/** The options of a pointer. */
export const LatestPointerSchema = strictOptions({
  holder: EntitySchema,
  pointer: PropertySchema,
  target: EntitySchema,
  group: PropertySchema,
  newest: PropertySchema,
  copy: listSchema(PropertySchema),
});
