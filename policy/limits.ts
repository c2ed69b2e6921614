import { z } from 'zod';

import type { Duration } from './duration.ts';
import { durationBetween, SECOND } from './duration.ts';
import { FlagSchema, strictOptions } from './strict-options.ts';
import type { Window } from './window.ts';
import { checkWindow, parseWindow } from './window.ts';
import { addIssues, withFix } from './zod-issues.ts';

/** How much a run may do and when, and what must look wrong to stop it: see {@link PolicyOptions.limits}. */
export interface LimitOptions {
  /**
   * The most rows that one run deletes, in all tables together, cascades included: never one more. The run ends as
   * `stopped` and a later one goes on. At least 1; default: no limit. A limited run has one shard a pass.
   */
  readonly maxRows?: number;
  /**
   * How long a run may take from its begin, pauses and waiting included; it ends as `stopped` after the batch under
   * way. At least a second; default: no limit.
   */
  readonly maxDuration?: Duration;
  /** The time of day in which batches may run, as `'01:00-05:00'`; may go over midnight. Default: always. */
  readonly window?: string;
  /** The time zone of `window`, an IANA name. Default `UTC`. */
  readonly timezone?: string;
  /**
   * What a run does while `window` is closed: `wait` for the next opening (default) or `stop`, so that a later run goes
   * on.
   */
  readonly whenClosed?: 'wait' | 'stop';
  /**
   * The most of a table that one run may delete, in percent, 0 to 100; default 50. A run that would delete more is
   * stopped before its first batch, unless a preview of the same passes was kept in the ledger in the last 24 hours.
   * 100 is no limit.
   */
  readonly maxPercent?: number;
  /**
   * How many times the most rows that one of its last ten runs deleted a pass may delete; default 10. Runs that found
   * nothing do not count. A run that would delete more is stopped before its first batch, unless a preview was kept as
   * for `maxPercent`. `Infinity` is no limit; a pass that has deleted nothing yet has none.
   */
  readonly maxGrowth?: number;
  /**
   * A table with fewer rows than this is too small for `maxPercent`, for `allowNewest` and to be seen to shrink, and so
   * many are never too many for `maxGrowth`. Default 1000; 0 guards every table.
   */
  readonly smallTable?: number;
  /**
   * Permits that an `expireRows` deletes from a table in which no row is newer than the horizon. Default: false, since
   * a clock or a unit that is wrong looks like that.
   */
  readonly allowNewest?: boolean;
}

/** {@link LimitOptions} with defaults. */
export interface Limits extends LimitOptions {
  readonly timezone: string;
  readonly whenClosed: 'wait' | 'stop';
  readonly maxPercent: number;
  readonly maxGrowth: number;
  readonly smallTable: number;
  readonly allowNewest: boolean;
}

/** Fills in what is left out. */
export function parseLimits(options: LimitOptions = {}): Limits {
  return Object.freeze({
    ...options,
    timezone: options.timezone ?? 'UTC',
    whenClosed: options.whenClosed ?? 'wait',
    maxPercent: options.maxPercent ?? 50,
    maxGrowth: options.maxGrowth ?? 10,
    smallTable: options.smallTable ?? 1000,
    allowNewest: options.allowNewest ?? false,
  });
}

const OPTIONS = {
  maxRows: withFix(z.int().min(1), 'Use a whole number of at least 1, or leave it out').optional(),
  maxDuration: withFix(
    durationBetween(SECOND),
    "Use a duration of at least a second, like '2 hours', or leave it out",
  ).optional(),
  window: z.unknown().optional(),
  timezone: z.unknown(),
  whenClosed: withFix(z.enum(['wait', 'stop']), "Use 'wait' or 'stop'"),
  maxPercent: withFix(z.number().min(0).max(100), 'Use a number from 0 to 100; 100 is no limit'),
  maxGrowth: withFix(
    z.number().min(1).or(z.literal(Infinity)),
    'Use a number of at least 1, like 10; Infinity is no limit',
  ),
  smallTable: withFix(z.int().min(0), 'Use a whole number of rows; 0 guards every table'),
  allowNewest: FlagSchema,
} satisfies Record<keyof LimitOptions, z.ZodType>;

/** Limits. A misspelt one would limit nothing. */
export const LimitsSchema = strictOptions(
  OPTIONS,
  (place, key) => `${place} has ${JSON.stringify(key)}, which is no limit, so that nothing would be limited`,
).superRefine(({ window, timezone }, context) => {
  addIssues(context, checkWindow('', { window, timezone }, 'limits.'));
});

/** The window of limits that were checked. */
export function readWindow({ window, timezone }: Limits): Window | undefined {
  return parseWindow(window, timezone);
}
