import { durationBetween, HOUR, parseDuration, formatDuration } from './duration.ts';
import { formatValue, withFix } from './find-issues.ts';

/** How old a row must be: a duration that is not negative. */
export const HorizonSchema = withFix(
  durationBetween(-Infinity),
  "Say it like '90 days'",
  (option, value) => `${option} ${formatValue(value)} is no duration`,
).pipe(
  withFix(
    durationBetween(0),
    'Use a positive duration',
    (option, value) =>
      `${option} ${formatValue(value)} is negative, so its horizon would lie in the future and rows that are not old would go`,
  ),
);

/** The same, and at least an hour. */
export const LongHorizonSchema = HorizonSchema.pipe(
  withFix(
    durationBetween(HOUR),
    'Use at least one hour, or say allowShort: true where that is meant',
    (option, value) =>
      `${option} is ${formatDuration(parseDuration(value) ?? 0)}, so that nearly everything would be deleted`,
  ),
);
