import type { LimitOptions } from '../../limits.ts';
import { parsePeriod } from './periods.ts';

/** The limits of the `prefect` preset: those of a policy, as numbers or as text. */
export interface LimitSettings {
  /** The most rows that one run deletes, in all tables together. Default: no limit. */
  readonly maxRows?: number | string;
  /** How long a run may take: seconds, `'2 hours'` or ISO `'PT2H'`. Default: no limit. */
  readonly maxDuration?: number | string;
  /** The time of day in which batches may run, as `'01:00-05:00'`, in `timezone`. Default: always. */
  readonly window?: string;
  /** What a run does while `window` is closed: `wait` (default) or `stop`. */
  readonly whenClosed?: string;
  /** The most of a table that one run may delete, in percent. Default 50; 100 is no limit. */
  readonly maxPercent?: number | string;
  /** How many times the rows of its last runs a pass may delete. Default 10. */
  readonly maxGrowth?: number | string;
  /** A table with fewer rows than this is too small to guard. Default 1000. */
  readonly smallTable?: number | string;
  /** Permits that flow runs expire although none is newer than the horizon. Default false. */
  readonly allowNewest?: boolean | string;
}

/** Their names, for messages. */
export const LIMIT_SETTINGS = [
  'maxRows',
  'maxDuration',
  'window',
  'whenClosed',
  'maxPercent',
  'maxGrowth',
  'smallTable',
  'allowNewest',
] as const satisfies readonly (keyof LimitSettings)[];

/** Reads one setting; `missing` where it is not given, and where it cannot be read, which is reported. */
type Read = <T>(
  key: (typeof LIMIT_SETTINGS)[number],
  missing: T,
  parse: (value: unknown) => T | undefined,
  fix: string,
) => T;

/** What the settings come to as limits of a policy. */
export function readLimits(read: Read, timezone: string | undefined): LimitOptions {
  const none = undefined;
  const limits = {
    maxRows: read<number | undefined>('maxRows', none, toNumber(1), 'Use a whole number of at least 1'),
    maxDuration: read('maxDuration', none, parsePeriod, "Use a duration, like '2 hours'"),
    window: read('window', none, toText, "Use two times of day, like '01:00-05:00'"),
    whenClosed: read('whenClosed', none, toWhenClosed, 'Use wait or stop'),
    maxPercent: read<number | undefined>('maxPercent', none, toNumber(0), 'Use a number from 0 to 100'),
    maxGrowth: read<number | undefined>('maxGrowth', none, toNumber(1), 'Use a number of at least 1'),
    smallTable: read<number | undefined>('smallTable', none, toNumber(0), 'Use a whole number of rows'),
    allowNewest: read('allowNewest', none, toBoolean, 'Use true or false'),
    timezone,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function toNumber(least: number): (value: unknown) => number | undefined {
  return (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && number >= least ? number : undefined;
  };
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

function toWhenClosed(value: unknown): 'wait' | 'stop' | undefined {
  return value === 'wait' || value === 'stop' ? value : undefined;
}

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}
