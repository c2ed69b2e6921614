import { Duration as IsoDuration } from 'luxon';

import { DAY, HOUR, parseDuration, SECOND } from '../../duration.ts';
import type { Mistake } from '../../mistake.ts';
import { MistakesError } from '../../mistake.ts';
import type { EnabledWord } from './enabled.ts';
import { ENABLED_WORDS, parseEnabled } from './enabled.ts';

/** The settings of the `prefect` preset. Text is understood everywhere, since it may come from a command line. */
export interface PrefectSettings {
  /**
   * `true`, `false` (default), or some of `flow_runs`, `events` and `orphans`. `flow_runs` implies `orphans`, as in
   * Prefect; `orphans` alone leaves flow runs as they are.
   */
  readonly enabled?: boolean | string | readonly EnabledWord[];
  /** Seconds between runs. Above 0; default 3600. Not used where there is a `cron`. */
  readonly loopSeconds?: number | string;
  /** Run at these times instead of every `loopSeconds`: five cron fields. */
  readonly cron?: string;
  /** The time zone of `cron`, an IANA name. Default `UTC`. */
  readonly timezone?: string;
  /** How long flow runs are kept. Over 1 hour; default 90 days. Seconds, `'90 days'`, `'30d'` or ISO `'P90D'`. */
  readonly retentionPeriod?: number | string;
  /** How old logs and artifacts without a run must be to go. Default 1 day. Same forms. */
  readonly orphanGrace?: number | string;
  /** The most rows of a pass's own table in one transaction. Default `'auto'`: starts at 1000, aims at 100 ms. */
  readonly batchSize?: number | string;
  /** How long a batch may take. Default 100 ms; the same forms as `retentionPeriod`. */
  readonly batchTarget?: number | string;
  /** A rest after each batch. Default none; the same forms as `retentionPeriod`. */
  readonly batchPause?: number | string;
  /** How many parts of a pass run beside one another. Default 2. */
  readonly shards?: number | string;
  /** The most seconds of work in one activity. Default 20. */
  readonly sliceSeconds?: number | string;
  /** The most batches in one activity. Default: no limit. */
  readonly sliceBatches?: number | string;
}

/** The settings as the preset uses them: durations in milliseconds, nothing left out that has a default. */
export interface ParsedSettings {
  readonly enabled: ReadonlySet<EnabledWord>;
  readonly loopMillis: number;
  readonly cron: string | undefined;
  readonly timezone: string | undefined;
  readonly retentionMillis: number;
  readonly graceMillis: number;
  readonly batchSize: number | 'auto';
  readonly batchTargetMillis: number;
  readonly batchPauseMillis: number;
  readonly shards: number;
  readonly sliceSeconds: number;
  readonly sliceBatches: number | undefined;
}

/** Prefect's own names for the settings that it has too. */
const ENVIRONMENT = {
  enabled: 'PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED',
  loopSeconds: 'PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS',
  retentionPeriod: 'PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD',
  batchSize: 'PREFECT_SERVER_SERVICES_DB_VACUUM_BATCH_SIZE',
} as const;

const SETTINGS = [
  'enabled',
  'loopSeconds',
  'cron',
  'timezone',
  'retentionPeriod',
  'orphanGrace',
  'batchSize',
  'batchTarget',
  'batchPause',
  'shards',
  'sliceSeconds',
  'sliceBatches',
] as const satisfies readonly (keyof PrefectSettings)[];

/**
 * Reads the settings: what is given, else what the environment says under Prefect's own names, else the default.
 * Throws one {@link MistakesError} with everything that cannot be read.
 */
export function parseSettings(
  given: PrefectSettings,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedSettings {
  const mistakes: Mistake[] = [];
  for (const key of Object.keys(given)) {
    if (SETTINGS.includes(key as (typeof SETTINGS)[number])) continue;
    mistakes.push({
      at: `setting ${key}`,
      what: 'there is no such setting in preset prefect',
      fix: `Use one of ${SETTINGS.join(', ')}`,
    });
  }

  function read<T>(
    key: keyof PrefectSettings,
    missing: T,
    parse: (value: unknown) => T | undefined,
    fix: string,
  ): T {
    const variable = key in ENVIRONMENT ? ENVIRONMENT[key as keyof typeof ENVIRONMENT] : undefined;
    const own = given[key];
    const value = own ?? (variable === undefined ? undefined : environment[variable]);
    if (value === undefined) return missing;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    const at = own === undefined ? `environment variable ${String(variable)}` : `setting ${key}`;
    mistakes.push({ at, what: `${JSON.stringify(value)} cannot be used`, fix });
    return missing;
  }

  const settings: ParsedSettings = {
    enabled: read<ReadonlySet<EnabledWord>>(
      'enabled',
      new Set(),
      parseEnabled,
      `Use true, false, or some of ${ENABLED_WORDS.join(', ')} with commas between`,
    ),
    loopMillis: read('loopSeconds', HOUR, secondsAbove(0), 'Use a number of seconds, at least 1'),
    cron: read('cron', undefined, parseText, "Use five cron fields, like '0 3 * * *'"),
    timezone: read('timezone', undefined, parseText, "Use an IANA name, like 'Asia/Bangkok'"),
    retentionMillis: read(
      'retentionPeriod',
      90 * DAY,
      above(HOUR),
      "Use more than 1 hour: seconds, a duration like '90 days', or ISO 8601 like 'P90D'",
    ),
    graceMillis: read(
      'orphanGrace',
      DAY,
      above(-1),
      "Use seconds, a duration like '1 day', or ISO 8601 like 'P1D', not negative",
    ),
    batchSize: read('batchSize', 'auto', parseBatchSize, "Use a whole number of at least 1, or 'auto'"),
    batchTargetMillis: read('batchTarget', 100, above(0), "Use a duration, like '100 ms'"),
    batchPauseMillis: read('batchPause', 0, above(-1), "Use a duration, like '50 ms', or 0"),
    shards: read('shards', 2, parseWhole, 'Use a whole number from 1 to 16'),
    sliceSeconds: read('sliceSeconds', 20, parseWhole, 'Use a whole number of seconds, at least 1'),
    sliceBatches: read('sliceBatches', undefined, parseWhole, 'Use a whole number of at least 1'),
  };
  if (mistakes.length > 0) throw new MistakesError('preset prefect', mistakes);
  return settings;
}

/** Milliseconds, from seconds (a number or numeric text), an ISO 8601 duration, or text like `90 days`. */
export function parsePeriod(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value * SECOND : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const text = value.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text) * SECOND;
  const iso = IsoDuration.fromISO(text);
  return iso.isValid ? iso.toMillis() : parseDuration(text);
}

function above(bound: number): (value: unknown) => number | undefined {
  return (value) => {
    const millis = parsePeriod(value);
    return millis !== undefined && millis > bound ? millis : undefined;
  };
}

function secondsAbove(bound: number): (value: unknown) => number | undefined {
  return (value) => {
    const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > bound
      ? seconds * SECOND
      : undefined;
  };
}

function parseBatchSize(value: unknown): number | 'auto' | undefined {
  return value === 'auto' ? 'auto' : parseWhole(value);
}

function parseWhole(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= 1 ? (number as number) : undefined;
}

function parseText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
