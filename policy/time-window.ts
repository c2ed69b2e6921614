import type { Mistake } from './mistake.ts';
import { isTimezone } from './timezone.ts';

/** A part of each day, in minutes after midnight. Where it ends before it begins it lies over midnight. */
export interface TimeWindow {
  readonly from: number;
  /** 1440 is the end of the day. */
  readonly until: number;
}

/** `'01:00-05:00'` as a window; undefined where it is none, so that a caller can report it with everything else. */
export function parseTimeWindow(text: unknown): TimeWindow | undefined {
  const parts = typeof text === 'string' ? /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text) : null;
  if (parts === null) return undefined;
  const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = parts.slice(1).map(Number);
  const from = fromHour * 60 + fromMinute;
  const until = untilHour * 60 + untilMinute;
  const fits = fromMinute < 60 && untilMinute < 60 && from < 24 * 60 && until <= 24 * 60 && from !== until;
  return fits ? { from, until } : undefined;
}

/** What is wrong with the hours that a pass may work in. */
export function checkTimeWindow(at: string, between: unknown, timezone: string): Mistake[] {
  const mistakes: Mistake[] = [];
  if (parseTimeWindow(between) === undefined) {
    mistakes.push({
      at,
      what: `between ${JSON.stringify(between)} is no part of a day`,
      fix: "Use two times of 24 hours, like '01:00-05:00' or '22:00-04:00'",
    });
  }
  if (!isTimezone(timezone)) {
    mistakes.push({
      at,
      what: `timezone ${JSON.stringify(timezone)} is no known time zone`,
      fix: "Use an IANA name, like 'Asia/Bangkok'",
    });
  }
  return mistakes;
}
