import ms from 'ms';
import prettyMilliseconds from 'pretty-ms';
import { z } from 'zod';

type Unit =
  | ('years' | 'year' | 'yrs' | 'yr' | 'y' | 'weeks' | 'week' | 'w' | 'days' | 'day' | 'd')
  | ('hours' | 'hour' | 'hrs' | 'hr' | 'h' | 'minutes' | 'minute' | 'mins' | 'min' | 'm')
  | ('seconds' | 'second' | 'secs' | 'sec' | 's' | 'milliseconds' | 'millisecond' | 'msecs' | 'msec' | 'ms');

/**
 * A duration as Temporal takes it: `'90 days'`, `'12h'`, or milliseconds. Temporal's own type is `any` in a project
 * with `moduleResolution: nodenext`, because its version of package `ms`, 3.0.0-canary.1, does not export one.
 */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

export const SECOND = 1000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

/**
 * Returns a duration like `'90 days'`, `'1.5 hours'` or a number in milliseconds; undefined if it is none. `ms` is of the
 * version that Temporal has, so that both read a text alike.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  try {
    const millis = ms(value.trim() as ms.StringValue);
    return Number.isFinite(millis) ? millis : undefined;
  } catch {
    // It throws if a text is empty or too long.
    return undefined;
  }
}

/** A duration of at least and at most so many milliseconds. */
export function durationBetween(least: number, most = Infinity): z.ZodType<Duration, Duration> {
  return z.custom<Duration>((value) => {
    const millis = parseDuration(value) ?? Number.NaN;
    return millis >= least && millis <= most;
  });
}

/** Milliseconds as a person would say them: `90 days`, `1 hour 30 minutes`, `250 milliseconds`. */
export function formatDuration(millis: number): string {
  const whole = millis < SECOND ? Math.round(millis) : Math.round(millis / SECOND) * SECOND;
  return prettyMilliseconds(whole, { verbose: true, unitCount: 2, hideYear: true });
}
