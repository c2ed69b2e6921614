import { z } from 'zod';

import { HOUR, parseDuration, formatDuration } from './duration.ts';
import type { Period } from './period.ts';
import { isPeriod, subtractPeriod } from './period.ts';
import { formatValue, withFix } from './zod-issues.ts';

/** How old a row must be: a period that is not negative. */
export const PeriodSchema = withFix(
  z.custom<Period>(isPeriod),
  "Say it like '90 days', '6 months' or '6 months in Europe/Berlin'; months and years are whole",
  (option, value) => `${option} ${formatValue(value)} is no duration`,
).pipe(
  withFix(
    periodAtLeast(0),
    'Use a positive duration',
    (option, value) =>
      `${option} ${formatValue(value)} is negative, so its horizon would lie in the future and rows that are not old would go`,
  ),
);

/** The same, and at least an hour. */
export const LongPeriodSchema = PeriodSchema.pipe(
  withFix(
    periodAtLeast(HOUR),
    'Use at least one hour, or say allowShort: true if that is meant',
    (option, value) =>
      `${option} is ${formatDuration(parseDuration(value) ?? 0)}, so that nearly everything would be deleted`,
  ),
);

/** Months are longer than any bound. */
function periodAtLeast(millis: number): z.ZodType<Period, Period> {
  return z.custom<Period>((period) => -subtractPeriod(0, period as Period) >= millis);
}
