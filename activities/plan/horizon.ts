/** No horizon lies before this instant, which PostgreSQL and JavaScript both can write. */
const FIRST = Date.parse('0001-01-01T00:00:00Z');

/**
 * The instant before which rows are expired: so long before the begin of the run. Computed once, frozen for the
 * whole run, to the millisecond.
 */
export function horizonOf(now: string, millis: number): string {
  return new Date(Math.max(Date.parse(now) - millis, FIRST)).toISOString();
}
