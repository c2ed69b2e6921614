import type { EntityKey, EntityName, FilterQuery } from '@mikro-orm/core';

import type { Age } from './epoch.ts';
import { AgeSchema } from './epoch.ts';
import { getFilter, FilterSchema } from './filter.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { PeriodSchema } from './period-schemas.ts';
import type { Period } from './period.ts';
import { AsSchema, EntitySchema, listSchema, PropertySchema, strictOptions } from './strict-options.ts';

/** Rows that name another row without a foreign key in the database. */
export interface SoftReferenceOptions<Child> {
  readonly entity: EntityName<Child>;
  /** The property with the primary key of the row that is named; a relation if the key has several columns. */
  readonly by: EntityKey<Child>;
  /**
   * Which of its rows count, by columns of their own, as `{ ownerType: 'order' }` if a column tells what each names.
   * Default: all.
   */
  readonly where?: FilterQuery<Child>;
  /**
   * `'text'` if the property is a text and the key a number or a UUID: the key is compared as the database writes it, so that
   * `'007'` and `'7 '` name nothing. Default: both have one type.
   */
  readonly as?: 'text';
}

/** A {@link softReference}. */
export interface SoftReference {
  readonly entity: AnyEntity;
  readonly by: string;
  readonly where: object;
  readonly as?: 'text';
}

/** The options of {@link deleteUnreferenced}. */
export interface DeleteUnreferencedOptions<Row> extends PassOptions {
  /** The entity whose rows go once nothing points at them. */
  readonly entity: EntityName<Row>;
  /** The property that says how old a row is, for the grace period. Rows where it is null stay. */
  readonly age: Age<EntityKey<Row>>;
  /** How old a row must be: spares rows that are written before what points at them. Default `'1 day'`. */
  readonly grace?: Period;
  /** Which rows can go at all. Default: all. Evaluated again in the statement that deletes. */
  readonly where?: FilterQuery<Row>;
  /** What points at rows without a foreign key. Foreign keys are read from the catalog. Default: nothing. */
  readonly references?: readonly SoftReference[];
  /**
   * Entities whose foreign keys do not count: a row stays for none of their rows, and those go with it, or lose it, as
   * their foreign key says (`on delete cascade`, `set null`, `set default`). Default: none, so that a row with
   * cascading children stays.
   */
  readonly ignore?: readonly AnyEntity[];
}

/** A pass that deletes rows nothing points at. */
export interface DeleteUnreferenced extends PassOptions {
  readonly kind: 'deleteUnreferenced';
  readonly entity: AnyEntity;
  readonly age: Age;
  readonly grace: Period;
  readonly where: object;
  readonly references: readonly SoftReference[];
  readonly ignore: readonly AnyEntity[];
}

/** Rows that name another row without a foreign key, for the `references` of {@link deleteUnreferenced}. */
export function softReference<Child>(options: SoftReferenceOptions<Child>): SoftReference {
  return Object.freeze({ ...options, where: getFilter(options) });
}

/**
 * Deletes rows that nothing points at any more, once they are older than a grace period. What points at them are the
 * foreign keys of the database, whatever they do on delete, and the soft references that are named.
 */
export function deleteUnreferenced<Row>(options: DeleteUnreferencedOptions<Row>): DeleteUnreferenced {
  return Object.freeze({
    ...options,
    kind: 'deleteUnreferenced',
    grace: options.grace ?? '1 day',
    where: getFilter(options),
    references: options.references ?? [],
    ignore: options.ignore ?? [],
  });
}

/** The options of the kind. */
export const DeleteUnreferencedSchema = passOptions({
  entity: EntitySchema,
  age: AgeSchema,
  grace: PeriodSchema,
  where: FilterSchema,
  references: listSchema(
    strictOptions({ entity: EntitySchema, by: PropertySchema, where: FilterSchema, as: AsSchema.optional() }),
  ),
  ignore: listSchema(EntitySchema),
});
