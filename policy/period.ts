import { DateTime } from 'luxon';

import type { Duration } from './duration.ts';
import { parseDuration } from './duration.ts';
import { isTimezone } from './timezone.ts';

type Months = `${number} ${'month' | 'months' | 'year' | 'years'}`;

/**
 * How old a row must be: a {@link Duration}, or whole calendar months or years, as `'6 months'`, in UTC, or `'6 months in
 * Europe/Berlin'`, by the clock on the wall there. Six months before the 31st of August is the last of February.
 */
export type Period = Duration | Months | `${Months} in ${string}`;

/** Calendar months in a time zone. */
interface CalendarMonths {
  readonly months: number;
  readonly timezone: string;
}

const CALENDAR = /^\s*(\d{1,4})\s*(months?|years?|yrs?|y)(?:\s+in\s+(\S+))?\s*$/i;
/** A year and a half has no fixed length, and package `ms` would read years of 365.25 days. */
const YEARS = /\d\s*y(?:ears?|rs?)?\s*$/i;

/** Whether it is a duration, or some calendar months. */
export function isPeriod(value: unknown): value is Period {
  if (parseMonths(value) !== undefined) return true;
  return parseDuration(value) !== undefined && !(typeof value === 'string' && YEARS.test(value));
}

/** Whether it has no fixed length. */
export function isCalendar(period: Period): boolean {
  return parseMonths(period) !== undefined;
}

/**
 * The instant a period before another, in milliseconds since the epoch; NaN if it is no period. As PostgreSQL does: a day that
 * its month lacks is the last of the month, a time that summer time leaves out is an hour later, and of two times the later.
 */
export function subtractPeriod(instant: number, period: Period): number {
  const calendar = parseMonths(period);
  if (calendar === undefined) return instant - (parseDuration(period) ?? Number.NaN);
  const local = DateTime.fromMillis(instant, { zone: calendar.timezone });
  const earlier = local.minus({ months: calendar.months });
  return earlier.getPossibleOffsets().at(-1)?.toMillis() ?? Number.NaN;
}

function parseMonths(value: unknown): CalendarMonths | undefined {
  const found = typeof value === 'string' ? CALENDAR.exec(value) : null;
  const [, count = '', unit = '', timezone = 'UTC'] = found ?? [];
  const months = Number(count) * (/^y/i.test(unit) ? 12 : 1);
  return found === null || months === 0 || !isTimezone(timezone) ? undefined : { months, timezone };
}
