import { HOUR } from '../../policy/duration.ts';
import type { ColumnName } from '../sql/names.ts';

/** No horizon lies before this instant, which PostgreSQL and JavaScript both can write. */
const FIRST = Date.parse('0001-01-01T00:00:00Z');

/** No time zone is further behind UTC. */
const FURTHEST_BEHIND = 12 * HOUR;

/**
 * The instant before which rows are expired: so long before the begin of the run. Computed once, frozen for the
 * whole run, to the millisecond.
 *
 * A date or a timestamp without time zone does not say where it was written. Its horizon lies twelve hours earlier,
 * so that no row goes before its time wherever that was.
 */
export function horizonOf(now: string, millis: number, age: ColumnName): string {
  const zoned = age.type.endsWith('with time zone');
  const instant = Date.parse(now) - millis - (zoned ? 0 : FURTHEST_BEHIND);
  // A duration that cannot be read is one of the policy's mistakes, which are told together.
  return new Date(Number.isNaN(instant) ? FIRST : Math.max(instant, FIRST)).toISOString();
}

/** A horizon as it would be so many milliseconds later. */
export function laterBy(horizon: string, millis: number): string {
  return new Date(Date.parse(horizon) + millis).toISOString();
}
