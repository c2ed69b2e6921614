const HOUR_MINUTES = 60;

/** A window in UTC that is open now and for two hours. */
export function openWindow(): string {
  return between(-HOUR_MINUTES, 2 * HOUR_MINUTES);
}

/** A window in UTC that is closed now and for two hours. */
export function closedWindow(): string {
  return between(2 * HOUR_MINUTES, 3 * HOUR_MINUTES);
}

function between(from: number, to: number): string {
  return `${timeIn(from)}-${timeIn(to)}`;
}

function timeIn(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
}
