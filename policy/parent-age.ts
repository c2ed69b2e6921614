import type { EntityKey, EntityName } from '@mikro-orm/core';

import type { Age } from './epoch.ts';
import { AgeSchema } from './epoch.ts';
import type { AnyEntity } from './pass-options.ts';
import { EntitySchema, PropertySchema, strictOptions } from './strict-options.ts';

/** The options of {@link parentAge}. */
export interface ParentAgeOptions<Parent, By extends string> {
  /** The entity of the row that has the age. */
  readonly parent: EntityName<Parent>;
  /** The property with the parent's key, with or without a foreign key. */
  readonly by: By;
  /** The parent's property with the age: a timestamp or date, or an `epoch('seen', 'ms')`. */
  readonly age: Age<EntityKey<Parent>>;
}

/** A {@link parentAge}. */
export interface ParentAge<By extends string = string> {
  readonly parent: AnyEntity;
  readonly by: By;
  readonly age: Age;
}

/**
 * For the `age` of `expireRows`: an age that stands in the row that a row references. A row without a parent, or with one whose age
 * is null, has no age. No index leads from it to the rows, so that each run reads the whole table.
 */
export function parentAge<Parent, const By extends string>(
  options: ParentAgeOptions<Parent, By>,
): ParentAge<By> {
  return Object.freeze({ ...options });
}

/** Whether an age stands in a parent. */
export function isParentAge(age: unknown): age is ParentAge {
  return typeof age === 'object' && age !== null && 'parent' in age;
}

/** The options of an age in a parent. */
export const ParentAgeSchema = strictOptions({ parent: EntitySchema, by: PropertySchema, age: AgeSchema });
