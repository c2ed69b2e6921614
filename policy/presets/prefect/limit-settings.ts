import { z } from 'zod';

import { YesNoSchema } from './enabled.ts';
import { periodAbove } from './periods.ts';
import { numberIn, setting, TextSchema } from './value-schemas.ts';

/** The limits of the `prefect` preset: those of a policy, as numbers or as text. */
export interface LimitSettings {
  /** The most rows that one run deletes, in all tables together. Default: no limit. */
  readonly maxRows?: number | string;
  /** How long a run may take: seconds, `'2 hours'` or ISO `'PT2H'`. Default: no limit. */
  readonly maxDuration?: number | string;
  /** The time of day in which batches may run, as `'01:00-05:00'`, in `timezone`. Default: always. */
  readonly window?: string;
  /** What a run does while `window` is closed: `wait` (default) or `stop`. */
  readonly whenClosed?: string;
  /** The most of a table that one run may delete, in percent. Default 50; 100 is no limit. */
  readonly maxPercent?: number | string;
  /** How many times the rows of its last runs a pass may delete. Default 10. */
  readonly maxGrowth?: number | string;
  /** A table with fewer rows than this is too small to guard. Default 1000. */
  readonly smallTable?: number | string;
  /** Permits that flow runs expire although none is newer than the horizon. Default false. */
  readonly allowNewest?: boolean | string;
}

/** The schema of each. */
export const LIMIT_SETTINGS = {
  maxRows: setting(numberIn(z.int().min(1)), 'Use a whole number of at least 1').optional(),
  maxDuration: setting(periodAbove(-Infinity), "Use a duration, like '2 hours'").optional(),
  window: setting(TextSchema, "Use two times of day, like '01:00-05:00'").optional(),
  whenClosed: setting(z.enum(['wait', 'stop']), 'Use wait or stop').optional(),
  maxPercent: setting(numberIn(z.number().min(0).max(100)), 'Use a number from 0 to 100').optional(),
  maxGrowth: setting(
    numberIn(z.number().min(1).or(z.literal(Infinity))),
    'Use a number of at least 1',
  ).optional(),
  smallTable: setting(numberIn(z.int().min(0)), 'Use a whole number of rows').optional(),
  allowNewest: setting(YesNoSchema, 'Use true or false').optional(),
} satisfies Record<keyof LimitSettings, z.ZodType>;
