import type { EntityKey, FilterQuery } from '@mikro-orm/core';
import { z } from 'zod';

import type { Period } from './period.ts';
import type { RetentionColumn, RetentionColumnOptions } from './retention-column.ts';
import { PropertySchema, strictOptions } from './strict-options.ts';
import { withFix } from './zod-issues.ts';

/** The newest rows of each group that stay, however old they are. */
export interface KeepLastOptions<Row> {
  /** How many rows of a group stay: a whole number of at least 1. */
  readonly count: number;
  /** The properties that make a group; null counts as a value. A relation of several columns stands for all of them. */
  readonly per: readonly EntityKey<Row>[];
}

/** A {@link KeepLastOptions} without the shape of its row. */
export interface KeepLast {
  readonly count: number;
  readonly per: readonly string[];
}

/** How many rows stay at most, the newest of all. */
export interface KeepAtMost {
  /** A whole number of at least 1. */
  readonly rows: number;
}

/** A retention of some rows that differs from the pass's own. */
export interface RetentionOverrideOptions<Row> {
  /** Which rows, among those that the pass's `where` names. */
  readonly where: FilterQuery<Row>;
  /** How old such a row must be to expire; shorter or longer than the pass's own. `null` keeps it for ever. */
  readonly olderThan: Period | RetentionColumnOptions<Row> | null;
  /** The newest rows of each group that stay, counted among the rows of this override. Default: the pass's own. */
  readonly keepLast?: KeepLastOptions<Row> | null;
}

/** A {@link RetentionOverrideOptions} without the shape of its row. */
export interface RetentionOverride {
  readonly where: object;
  readonly olderThan: Period | RetentionColumn | null;
  readonly keepLast?: KeepLast | null;
}

/** The options of `keepLast`. */
export const KeepLastSchema = strictOptions({
  count: withFix(
    z.int().min(1).max(1_000_000),
    'Use a whole number from 1 to 1000000, or leave keepLast out',
  ),
  per: withFix(
    z.array(z.unknown()).min(1),
    'Name the properties that make a group',
    (option) => `${option} names no property`,
  ).pipe(z.array(PropertySchema)),
});

/** The options of `keepAtMost`. */
export const KeepAtMostSchema = strictOptions({
  rows: withFix(z.int().min(1).max(1_000_000_000), 'Use a whole number from 1 to 1000000000'),
});
