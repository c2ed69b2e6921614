import { HOUR } from '../../policy/duration.ts';
import type { Period } from '../../policy/period.ts';
import { isCalendar, subtractPeriod } from '../../policy/period.ts';
import { hasTimeZone } from '../dialect/column-types.ts';
import type { ColumnName } from '../stored/columns.ts';

/** No horizon lies before this instant, which PostgreSQL and JavaScript both can write. */
const FIRST = Date.parse('0001-01-01T00:00:00Z');

/** The last instant that an ISO 8601 text with four digits for the year can say. */
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** No time zone is further behind UTC. */
const FURTHEST_BEHIND = 12 * HOUR;

/**
 * The instant before which rows are expired: a period before the start of the run. Computed once for the whole run,
 * to the millisecond.
 *
 * A date or a timestamp without time zone does not say where it was written. Its horizon lies twelve hours earlier,
 * so that no row is deleted too early wherever that was.
 */
export function computeHorizon(now: string, period: Period, age: ColumnName): string {
  const zoned = hasTimeZone(age.type);
  const instant = subtractPeriod(Date.parse(now), period) - (zoned ? 0 : FURTHEST_BEHIND);
  // A duration that cannot be read is one of the policy's issues, which are reported together.
  return new Date(Number.isNaN(instant) ? FIRST : Math.max(instant, FIRST)).toISOString();
}

/** A horizon as a run stores it: with its period if that has no fixed length. */
export function toStoredHorizon(
  now: string,
  period: Period,
  age: ColumnName,
): { readonly horizon: string; readonly period?: string } {
  const horizon = computeHorizon(now, period, age);
  return isCalendar(period) ? { horizon, period: String(period) } : { horizon };
}

/**
 * The later of a horizon and the age of a row, in milliseconds since the epoch: older rows than that one are expired, too. An age
 * that is no instant, like infinity, changes nothing.
 */
export function computeLaterHorizon(horizon: string, age: number | null): string {
  const isLater = age !== null && age > Date.parse(horizon) && age <= LAST;
  return isLater ? new Date(age).toISOString() : horizon;
}

/** A stored pass as it would be so many milliseconds later: every horizon in it, at any depth, moves. */
export function shiftHorizons<T>(stored: T, millis: number): T {
  const shifted = JSON.stringify(stored, (key, value: unknown) =>
    key === 'horizon' && typeof value === 'string'
      ? new Date(Date.parse(value) + millis).toISOString()
      : value,
  );
  return JSON.parse(shifted) as T;
}
