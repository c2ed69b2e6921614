import { Duration as IsoDuration } from 'luxon';

import { parseDuration, SECOND } from '../../duration.ts';

/** Milliseconds, from seconds (a number or numeric text), an ISO 8601 duration, or text like `90 days`. */
export function parsePeriod(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value * SECOND : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const text = value.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text) * SECOND;
  const iso = IsoDuration.fromISO(text);
  return iso.isValid ? iso.toMillis() : parseDuration(text);
}

/** The same above a bound, in milliseconds. */
export function periodAbove(bound: number): (value: unknown) => number | undefined {
  return (value) => {
    const millis = parsePeriod(value);
    return millis !== undefined && millis > bound ? millis : undefined;
  };
}

/** The same, or null for ever: `null`, `'never'` and `'off'` say that nothing goes. */
export function periodOrNever(bound: number): (value: unknown) => number | null | undefined {
  const above = periodAbove(bound);
  return (value) => (isNever(value) ? null : above(value));
}

function isNever(value: unknown): boolean {
  return value === null || (typeof value === 'string' && /^(never|off|null|forever)$/i.test(value.trim()));
}

/** What a person gave as an object or a list, or wrote as JSON where only text can be said. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

/** A value that cannot be used, and why. */
export class Unreadable {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}
