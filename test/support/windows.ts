const HOUR_MINUTES = 60;

/** A window in UTC that is open now and for two hours. */
export function openWindow(): string {
  return between(-HOUR_MINUTES, 2 * HOUR_MINUTES);
}

/** A window in UTC that is closed now and for two hours. */
export function closedWindow(): string {
  return between(2 * HOUR_MINUTES, 3 * HOUR_MINUTES);
}

/** The next full minute that is so far away, in milliseconds since the epoch. */
export function nextMinute(leastMillis: number): number {
  return Math.ceil((Date.now() + leastMillis) / 60_000) * 60_000;
}

/** A window that opens at an instant, by the clock on the wall of a time zone, for an hour. */
export function windowFrom(instant: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  return `${format.format(instant)}-${format.format(instant + HOUR_MINUTES * 60_000)}`;
}

function between(from: number, to: number): string {
  return `${timeIn(from)}-${timeIn(to)}`;
}

function timeIn(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
}
