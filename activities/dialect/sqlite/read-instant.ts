/** A text of an instant as libraries write it, in UTC. What does not say its time zone is taken for UTC, as PostgreSQL does. */
const TEXT = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+00:00)?)?$/;
/** From 1973 to 2128 no unit has the numbers of another: a second has so many of each unit. */
const UNITS = [1, 1000, 1_000_000];
const [LEAST, MOST] = [1e8, 5e9];

/**
 * A value of a column in milliseconds since the epoch, by its own form: a text, or a number of seconds, milliseconds or
 * microseconds. Null for null; undefined if it has no known form.
 */
export function readInstant(value: unknown): number | null | undefined {
  if (value === null) return null;
  if (typeof value === 'number') {
    const unit = UNITS.find((perSecond) => value >= LEAST * perSecond && value <= MOST * perSecond);
    return unit === undefined ? undefined : (value * 1000) / unit;
  }
  if (typeof value !== 'string') return undefined;
  const [, day, time = '00:00:00', fraction = ''] = TEXT.exec(value) ?? [];
  if (day === undefined) return undefined;
  const seconds = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(seconds) ? undefined : seconds + 1000 * Number(`0${fraction}`);
}
