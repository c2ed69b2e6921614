import type { EntityKey, EntityName, FilterQuery } from '@mikro-orm/core';
import { z } from 'zod';

import type { Duration } from './duration.ts';
import { durationBetween, SECOND } from './duration.ts';
import type { Age } from './epoch.ts';
import { AgeSchema } from './epoch.ts';
import { getFilter, FilterSchema } from './filter.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { PeriodSchema } from './period-schemas.ts';
import type { Period } from './period.ts';
import { EntitySchema, PropertySchema, strictOptions } from './strict-options.ts';
import { withFix } from './zod-issues.ts';

/**
 * Deals with one row that was found, by its primary key as text: asks another system to end it, marks it, tells
 * somebody. Called outside any transaction and without a lock on the row.
 *
 * What it does must make the row no longer match, and may be done twice: after a crash it is asked again for rows that
 * still match. The signal fires when its time is up. An error counts the row as not resolved: the words of a
 * {@link NotResolved}, fixed words for any other. A `ValidationError` says that no other row could be resolved either
 * and fails the pass.
 */
export type Resolve = (key: string, signal: AbortSignal) => Promise<void>;

/** How rows are resolved. */
export interface ResolveOptions {
  readonly each: Resolve;
  /** How many rows at once, 1 to 16. Default 4. */
  readonly concurrency?: number;
  /** How long one row may take, from `'100 ms'` to `'1 minute'`. Default `'20 s'`. */
  readonly timeout?: Duration;
}

/** The options of {@link reportRows}. */
export interface ReportRowsOptions<Row> extends PassOptions {
  /** The entity whose rows are looked for. */
  readonly entity: EntityName<Row>;
  /** The property with the row's age: a timestamp or date. Rows where it is null are never found. */
  readonly age: Age<EntityKey<Row>>;
  /** How old a row must be to be found: the horizon of a run is its begin minus this. */
  readonly olderThan: Period;
  /** Which rows can be found at all. Default: all. */
  readonly where?: FilterQuery<Row>;
  /**
   * A property with an instant that a row may rightly wait for, such as when it is due: such a row is found only once
   * this, too, is before the horizon. A row where it is null waits for nothing. Default: none.
   */
  readonly dueAt?: EntityKey<Row>;
  /** Deals with each row found. Default: rows are only reported. */
  readonly handler?: Resolve | ResolveOptions;
}

/** A pass that reports rows, and deletes none. */
export interface ReportRows extends PassOptions {
  readonly kind: 'reportRows';
  readonly entity: AnyEntity;
  readonly age: Age;
  readonly olderThan: Period;
  readonly where: object;
  readonly dueAt?: string;
  readonly handler?: Required<ResolveOptions>;
}

/**
 * Why a row could not be resolved. The words are counted in the ledger and travel in reports: fixed ones, few, and
 * without anything of the row.
 */
export class NotResolved extends Error {
  override readonly name = 'NotResolved';
}

/**
 * Reports the rows of an entity that are older than a horizon and match a filter: how many there are and how old the
 * oldest is. Deletes nothing. With `handler` each is dealt with by a function of the policy's own, and counted as
 * resolved if it does not match any more afterwards.
 */
export function reportRows<Row>(options: ReportRowsOptions<Row>): ReportRows {
  const { handler, ...rest } = options;
  const given = typeof handler === 'function' ? { each: handler } : handler;
  return Object.freeze({
    ...rest,
    kind: 'reportRows',
    where: getFilter(options),
    ...(given === undefined ? {} : { handler: Object.freeze({ concurrency: 4, timeout: '20 s', ...given }) }),
  });
}

/** The options of the kind. */
export const ReportRowsSchema = passOptions({
  entity: EntitySchema,
  age: AgeSchema,
  dueAt: PropertySchema.optional(),
  olderThan: PeriodSchema,
  where: FilterSchema,
  handler: strictOptions({
    each: withFix(
      z.custom<Resolve>((each) => typeof each === 'function'),
      'Give it one that takes the key of a row',
      () => 'handler is no function',
    ),
    concurrency: withFix(z.int().min(1).max(16), 'Use a whole number from 1 to 16'),
    timeout: withFix(durationBetween(100, 60 * SECOND), "Use a duration from '100 ms' to '1 minute'"),
  }).optional(),
});
