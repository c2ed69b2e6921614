import { msToNumber } from '@temporalio/common/lib/time.js';

type Unit =
  | ('years' | 'year' | 'yrs' | 'yr' | 'y' | 'weeks' | 'week' | 'w' | 'days' | 'day' | 'd')
  | ('hours' | 'hour' | 'hrs' | 'hr' | 'h' | 'minutes' | 'minute' | 'mins' | 'min' | 'm')
  | ('seconds' | 'second' | 'secs' | 'sec' | 's' | 'milliseconds' | 'millisecond' | 'msecs' | 'msec' | 'ms');

/**
 * A duration as Temporal takes it: `'90 days'`, `'12h'`, or milliseconds. Written out here, since Temporal's own type is
 * `any` for a project with `moduleResolution: nodenext`: version 3.0.0-canary.1 of package `ms` does not export it.
 */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

export const SECOND = 1000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;

/**
 * A duration in milliseconds, from what Temporal takes: `'90 days'`, `'12h'`, `'1.5 hours'` or a number of
 * milliseconds. Undefined where it is no duration, so that a caller can report it with everything else that is wrong.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  try {
    const millis = msToNumber(value.trim());
    return Number.isFinite(millis) ? millis : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds as a person would say them: `90 days`, `1 h 30 min`, `250 ms`. */
export function sayDuration(millis: number): string {
  if (millis < SECOND) return `${Math.round(millis)} ms`;
  const units: [string, number][] = [
    [' days', DAY],
    [' h', HOUR],
    [' min', 60 * SECOND],
    [' s', SECOND],
  ];
  const parts: string[] = [];
  let rest = Math.round(millis / SECOND) * SECOND;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${count === 1 && unit === ' days' ? ' day' : unit}`);
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
