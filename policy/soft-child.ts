import type { EntityKey, EntityName, FilterQuery } from '@mikro-orm/core';
import { z } from 'zod';

import { getFilter, FilterSchema } from './filter.ts';
import type { LatestPointer } from './latest-pointer.ts';
import { LatestPointerSchema } from './latest-pointer.ts';
import type { AnyEntity } from './pass-options.ts';
import { AsSchema, EntitySchema, listSchema, PropertySchema, strictOptions } from './strict-options.ts';
import { issueParams, withFix } from './zod-issues.ts';

/** Rows without a foreign key in the database that belong to a row and go with it: "soft children". */
export interface SoftChildOptions<Child> {
  readonly entity: EntityName<Child>;
  /** The child's property with the primary key of the row it belongs to; a relation if the key has several columns. */
  readonly by: EntityKey<Child>;
  /**
   * `'set null'` if the child stays, and its `by` is set to null in the same transaction, before the row is deleted. Its
   * column must take null. Not together with `repoint` or `with`. Default: the child is deleted.
   */
  readonly onDelete?: 'set null';
  /**
   * Which of the child's rows are meant, by columns of their own, as `{ ownerType: 'order' }` where rows of several
   * entities are told apart by a column. Others stay. Default: all.
   */
  readonly where?: FilterQuery<Child>;
  /**
   * `'text'` if the property is a text and the key a number or a UUID: the key is compared as the database writes it, so that
   * `'007'` and `'7 '` name nothing. Default: both have one type.
   */
  readonly as?: 'text';
  /** Pointers at these children that are repaired when children go, in the same transaction. Default: none. */
  readonly repoint?: readonly LatestPointer[];
  /**
   * What belongs to these children in turn and goes with them. Those with a foreign key to the child go before it,
   * others after; in this order. Default: none.
   */
  readonly with?: readonly SoftChild[];
}

/** A {@link softChild}. */
export interface SoftChild {
  readonly entity: AnyEntity;
  readonly by: string;
  readonly onDelete?: 'set null';
  readonly where: object;
  readonly as?: 'text';
  readonly repoint: readonly LatestPointer[];
  readonly with: readonly SoftChild[];
}

/**
 * Rows that belong to a row without a foreign key, for the `with` of {@link expireRows}: they are deleted with it, or stay with
 * their reference set to null.
 */
export function softChild<Child>(options: SoftChildOptions<Child>): SoftChild {
  return Object.freeze({
    ...options,
    where: getFilter(options),
    repoint: options.repoint ?? [],
    with: options.with ?? [],
  });
}

/** A {@link softChild}. */
export const SoftChildSchema: z.ZodType = strictOptions({
  entity: EntitySchema,
  by: PropertySchema,
  onDelete: withFix(
    z.literal('set null'),
    "Use 'set null', or leave it out, so that the child is deleted",
  ).optional(),
  where: FilterSchema,
  as: AsSchema.optional(),
  repoint: listSchema(LatestPointerSchema),
  get with(): z.ZodType {
    return listSchema(SoftChildSchema);
  },
}).refine(
  ({ onDelete, repoint, with: own }) =>
    onDelete === undefined || (repoint.length === 0 && (own as readonly unknown[]).length === 0),
  issueParams(
    () =>
      "onDelete is 'set null', so that the child stays, and repoint or with is about children that are deleted",
    'Leave repoint and with out',
  ),
);
