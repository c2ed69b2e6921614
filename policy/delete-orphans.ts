import type { EntityKey, EntityName, FilterQuery } from '@mikro-orm/core';

import type { Age } from './epoch.ts';
import { AgeSchema } from './epoch.ts';
import { getFilter, FilterSchema } from './filter.ts';
import type { LatestPointer } from './latest-pointer.ts';
import { LatestPointerSchema } from './latest-pointer.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { PeriodSchema } from './period-schemas.ts';
import type { Period } from './period.ts';
import { EntitySchema, listSchema, PropertySchema } from './strict-options.ts';

/** The options of {@link deleteOrphans}. */
export interface DeleteOrphansOptions<Child> extends PassOptions {
  /** The entity whose rows may have lost their parent. */
  readonly entity: EntityName<Child>;
  /** The property with the parent's primary key. Rows where it is null have no parent to lose and stay. */
  readonly by: EntityKey<Child>;
  /** The entity of the parent. */
  readonly parent: AnyEntity;
  /** The property that says how old a row is, for the grace period. */
  readonly age: Age<EntityKey<Child>>;
  /**
   * How old a row must be: spares rows that arrive before their parent is visible. Default `'1 day'`.
   */
  readonly grace?: Period;
  /** Which rows can be orphans at all. Default: all. Evaluated again in the statement that deletes. */
  readonly where?: FilterQuery<Child>;
  /** Pointers at these rows that are repaired when rows go, in the same transaction. Default: none. */
  readonly repoint?: readonly LatestPointer[];
}

/** A pass that deletes rows whose parent is deleted. */
export interface DeleteOrphans extends PassOptions {
  readonly kind: 'deleteOrphans';
  readonly entity: AnyEntity;
  readonly by: string;
  readonly parent: AnyEntity;
  readonly age: Age;
  readonly grace: Period;
  readonly where: object;
  readonly repoint: readonly LatestPointer[];
}

/** Deletes rows that name a parent that no longer exists, once they are older than a grace period. */
export function deleteOrphans<Child>(options: DeleteOrphansOptions<Child>): DeleteOrphans {
  return Object.freeze({
    ...options,
    kind: 'deleteOrphans',
    grace: options.grace ?? '1 day',
    where: getFilter(options),
    repoint: options.repoint ?? [],
  });
}

/** The options of the kind. */
export const DeleteOrphansSchema = passOptions({
  entity: EntitySchema,
  by: PropertySchema,
  parent: EntitySchema,
  age: AgeSchema,
  grace: PeriodSchema,
  where: FilterSchema,
  repoint: listSchema(LatestPointerSchema),
});
