import { IANAZone } from 'luxon';

import type { Issue } from './issue.ts';
import { isTimezone } from './timezone.ts';

const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
/** No window stays open or closed for longer, not even over a change of summer time. */
const MOST_MINUTES = 3 * DAY_MINUTES;

/** A time of day in which a policy may work, by the clock on the wall of a time zone. */
export interface Window {
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since midnight, itself outside; below `from` if the window goes over midnight, 1440 is the end of the day. */
  readonly to: number;
  /** IANA name. */
  readonly timezone: string;
}

/** Whether a window is open, and the instant at which that changes, in milliseconds since the epoch; Infinity if never. */
interface WindowState {
  readonly open: boolean;
  readonly until: number;
}

/** Reads `'01:00-05:00'` or `'1:00-5:00'`; undefined if it is no window. `'00:00-24:00'` is always open. */
export function parseWindow(text: unknown, timezone: string): Window | undefined {
  const found = typeof text === 'string' ? /^\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*$/.exec(text) : null;
  if (found === null) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = found.slice(1).map(Number);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  if (fromMinute > 59 || toMinute > 59 || from >= DAY_MINUTES || to > DAY_MINUTES) return undefined;
  return from === to ? undefined : { from, to, timezone };
}

/** What is wrong with the options `window` and `timezone`, whose names begin with `prefix`. */
export function checkWindow(
  at: string,
  { window, timezone }: { readonly window?: unknown; readonly timezone: unknown },
  prefix = '',
): Issue[] {
  const issues: Issue[] = [];
  const add = (option: string, value: unknown, fix: string): void => {
    issues.push({ at, what: `${prefix}${option} is ${JSON.stringify(value)}`, fix });
  };
  if (!isTimezone(timezone)) add('timezone', timezone, "Use an IANA name, like 'Asia/Bangkok'");
  if (window !== undefined && parseWindow(window, 'UTC') === undefined) {
    add(
      'window',
      window,
      "Use two different times of day, like '01:00-05:00' or '22:00-04:00'; '00:00-24:00' is always open",
    );
  }
  return issues;
}

/**
 * How a window stands at an instant, in milliseconds since the epoch. It is open while the clock on the wall there shows
 * a time inside: on the day of a change of summer time an hour longer or shorter, and not at all if the whole of it
 * lies in the hour that is left out.
 */
export function windowAt(window: Window, now: number): WindowState {
  if (window.from === 0 && window.to === DAY_MINUTES) return { open: true, until: Infinity };
  const zone = IANAZone.create(window.timezone);
  const open = isInside(window, zone, now);
  // Minute by minute, since between two of them the clock may have been moved.
  let at = Math.floor(now / MINUTE) * MINUTE;
  for (let n = 0; n < MOST_MINUTES; n += 1) {
    at += MINUTE;
    if (isInside(window, zone, at) !== open) break;
  }
  return { open, until: at };
}

/** A window as people write it: `01:00-05:00 Europe/Berlin`. */
export function formatWindow({ from, to, timezone }: Window): string {
  return `${formatTime(from)}-${formatTime(to)} ${timezone}`;
}

function isInside({ from, to }: Window, zone: IANAZone, instant: number): boolean {
  const local = Math.floor(instant / MINUTE) + zone.offset(instant);
  const minute = ((local % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function formatTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
