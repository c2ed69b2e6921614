import { Duration as IsoDuration } from 'luxon';
import { z } from 'zod';

import { parseDuration, SECOND } from '../../duration.ts';

/** Milliseconds, from seconds (a number or numeric text), an ISO 8601 duration, or text like `90 days`. */
export function parsePeriod(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value * SECOND : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const text = value.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text) * SECOND;
  const iso = IsoDuration.fromISO(text);
  if (!iso.isValid) return parseDuration(text);
  // A month has no fixed length.
  return iso.months === 0 && iso.years === 0 ? iso.toMillis() : undefined;
}

/** The same above a bound, in milliseconds. */
export function periodAbove(bound: number): z.ZodType<number> {
  return z.preprocess(parsePeriod, z.number().gt(bound));
}

/** The same, or null for ever: `null`, `'never'` and `'off'` say that nothing expires. */
export function periodOrNever(bound: number): z.ZodType<number | null> {
  return z.preprocess(
    (value) => (isNever(value) ? null : parsePeriod(value)),
    z.number().gt(bound).nullable(),
  );
}

function isNever(value: unknown): boolean {
  return value === null || (typeof value === 'string' && /^(never|off|null|forever)$/i.test(value.trim()));
}

/** Parses JSON, which stands for an object or a list if a person can only give text. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
