import { DAY, HOUR, SECOND } from '../../duration.ts';
import type { Mistake } from '../../mistake.ts';
import { MistakesError } from '../../mistake.ts';
import { checkApiUrl, PrefectApi } from './api.ts';
import type { EnabledWord } from './enabled.ts';
import { ENABLED_WORDS, parseEnabled } from './enabled.ts';
import type { TerminalStateType } from './entities/state-type.ts';
import { TERMINAL_STATE_TYPES } from './entities/state-type.ts';
import type { EventRetention } from './event-retention.ts';
import { parseEventRetention, shortened } from './event-retention.ts';
import { LIMIT_SETTINGS, readLimits } from './limit-settings.ts';
import type { LogRetention } from './log-retention.ts';
import { LOG_LEVELS, parseLogRetention } from './log-retention.ts';
import { periodAbove, periodOrNever, Unreadable } from './periods.ts';
import type { KeepLastPer } from './run-retention.ts';
import { parseRunRetention } from './run-retention.ts';
import type { ParsedSettings, PrefectSettings } from './settings.ts';

/** Prefect's own names for the settings that it has too; the first that is set counts. */
const ENVIRONMENT: Partial<Record<keyof PrefectSettings, readonly string[]>> = {
  enabled: ['PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED'],
  loopSeconds: ['PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS'],
  retentionPeriod: ['PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD'],
  batchSize: ['PREFECT_SERVER_SERVICES_DB_VACUUM_BATCH_SIZE'],
  eventRetentionPeriod: ['PREFECT_SERVER_EVENTS_RETENTION_PERIOD', 'PREFECT_EVENTS_RETENTION_PERIOD'],
  eventRetentionOverrides: ['PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES'],
  apiUrl: ['PREFECT_API_URL'],
};

const SETTINGS = [
  'enabled',
  'loopSeconds',
  'cron',
  'timezone',
  'retentionPeriod',
  'states',
  'runRetention',
  'keepLast',
  'keepLastPer',
  'oldSubflows',
  'backgroundTaskRetention',
  'logRetention',
  'logRetentionByLevel',
  'eventRetentionPeriod',
  'eventRetentionOverrides',
  'orphanGrace',
  'stuckAfter',
  'endStuckRuns',
  'apiUrl',
  'batchSize',
  'batchTarget',
  'batchPause',
  'shards',
  'sliceSeconds',
  'sliceBatches',
  ...LIMIT_SETTINGS,
] as const satisfies readonly (keyof PrefectSettings)[];

/** What Prefect itself does with heartbeats. */
const HEARTBEATS: EventRetention = new Map([['prefect.flow-run.heartbeat', 7 * DAY]]);

const A_PERIOD = "seconds, a duration like '90 days', or ISO 8601 like 'P90D'";

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
    parse: (value: unknown) => T | Unreadable | undefined,
    fix: string,
  ): T {
    const variable = ENVIRONMENT[key]?.find((name) => environment[name] !== undefined);
    const own = given[key];
    const value = own === undefined && variable !== undefined ? environment[variable] : own;
    if (value === undefined) return missing;
    const parsed = parse(value);
    if (parsed !== undefined && !(parsed instanceof Unreadable)) return parsed;
    const at = own === undefined ? `environment variable ${String(variable)}` : `setting ${key}`;
    const why = parsed instanceof Unreadable ? `: ${parsed.why}` : '';
    mistakes.push({ at, what: `${JSON.stringify(value)} cannot be used${why}`, fix });
    return missing;
  }

  const retentionMillis = read(
    'retentionPeriod',
    90 * DAY,
    periodAbove(HOUR),
    `Use more than 1 hour: ${A_PERIOD}`,
  );
  const eventMillis = read<number | null>(
    'eventRetentionPeriod',
    7 * DAY,
    periodOrNever(HOUR - 1),
    `Use at least 1 hour: ${A_PERIOD}; or 'never'`,
  );
  const eventOverrides = read<EventRetention>(
    'eventRetentionOverrides',
    // Who keeps events for ever means heartbeats too.
    eventMillis === null ? new Map() : HEARTBEATS,
    parseEventRetention,
    'Use names of events, or prefixes that end in *, with periods of at least 1 hour: {"prefect.flow-run.heartbeat": "2 days"}',
  );

  const endStuckRuns = read('endStuckRuns', false, parseYesNo, 'Use true or false');
  // Whether it is an URL is only looked at where it is used: other programs may need the variable otherwise.
  const apiUrl = read('apiUrl', '', parseAnyText, "Use a URL, like 'http://127.0.0.1:4200/api'");
  if (endStuckRuns) mistakes.push(...checkApiUrl(apiUrl));

  const timezone = read('timezone', undefined, parseText, "Use an IANA name, like 'Asia/Bangkok'");
  const settings: ParsedSettings = {
    enabled: read<ReadonlySet<EnabledWord>>(
      'enabled',
      new Set(),
      parseEnabled,
      `Use true, false, or some of ${ENABLED_WORDS.join(', ')} with commas between`,
    ),
    loopMillis: read('loopSeconds', HOUR, secondsAbove(0), 'Use a number of seconds, at least 1'),
    cron: read('cron', undefined, parseText, "Use five cron fields, like '0 3 * * *'"),
    timezone,
    retentionMillis,
    states: read<readonly TerminalStateType[]>(
      'states',
      TERMINAL_STATE_TYPES,
      parseStates,
      `Use some of ${TERMINAL_STATE_TYPES.join(', ')}`,
    ),
    runRetention: read(
      'runRetention',
      [],
      parseRunRetention,
      'Use a list of rules: [{"flow": "etl", "state": "COMPLETED", "olderThan": "7 days", "keepLast": 5}]',
    ),
    keepLast: read('keepLast', undefined, parseWhole, 'Use a whole number of at least 1'),
    keepLastPer: read('keepLastPer', 'deployment', parsePer, 'Use deployment or flow'),
    oldSubflows: read('oldSubflows', false, parseYesNo, 'Use true or false'),
    backgroundTaskMillis: read(
      'backgroundTaskRetention',
      retentionMillis,
      periodOrNever(HOUR),
      `Use more than 1 hour: ${A_PERIOD}; or 'never'`,
    ),
    logMillis: read('logRetention', null, periodOrNever(HOUR - 1), `Use at least 1 hour: ${A_PERIOD}`),
    logLevels: read<LogRetention>(
      'logRetentionByLevel',
      new Map(),
      parseLogRetention,
      `Use some of ${LOG_LEVELS.join(', ')} with periods of at least 1 hour: {"DEBUG": "3 days"}`,
    ),
    eventMillis,
    // Only what a person wrote for this program may keep some events longer than the others.
    eventOverrides:
      given.eventRetentionOverrides === undefined && eventMillis !== null
        ? shortened(eventOverrides, eventMillis)
        : eventOverrides,
    graceMillis: read(
      'orphanGrace',
      DAY,
      periodAbove(-1),
      "Use seconds, a duration like '1 day', or ISO 8601 like 'P1D', not negative",
    ),
    stuckMillis: read<number | null>(
      'stuckAfter',
      3 * DAY,
      periodOrNever(HOUR - 1),
      `Use at least 1 hour: ${A_PERIOD}; or 'never'`,
    ),
    endStuckRuns: endStuckRuns && mistakes.length === 0 ? new PrefectApi(apiUrl, environment) : undefined,
    batchSize: read('batchSize', 'auto', parseBatchSize, "Use a whole number of at least 1, or 'auto'"),
    batchTargetMillis: read('batchTarget', 100, periodAbove(0), "Use a duration, like '100 ms'"),
    batchPauseMillis: read('batchPause', 0, periodAbove(-1), "Use a duration, like '50 ms', or 0"),
    shards: read('shards', 2, parseWhole, 'Use a whole number from 1 to 16'),
    sliceSeconds: read('sliceSeconds', 20, parseWhole, 'Use a whole number of seconds, at least 1'),
    sliceBatches: read('sliceBatches', undefined, parseWhole, 'Use a whole number of at least 1'),
    limits: readLimits(read, timezone),
  };
  if (mistakes.length > 0) throw new MistakesError('preset prefect', mistakes);
  return settings;
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

function parseStates(value: unknown): readonly TerminalStateType[] | undefined {
  const words = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(words) || words.length === 0) return undefined;
  const states = words.map((word) =>
    TERMINAL_STATE_TYPES.find((state) => state === String(word).trim().toUpperCase()),
  );
  return states.every((state) => state !== undefined) ? states : undefined;
}

function parseAnyText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parsePer(value: unknown): KeepLastPer | undefined {
  return value === 'deployment' || value === 'flow' ? value : undefined;
}

function parseYesNo(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const enabled = typeof value === 'string' ? parseEnabled(value) : undefined;
  return enabled === undefined || (enabled.size > 0 && enabled.size < ENABLED_WORDS.length)
    ? undefined
    : enabled.size > 0;
}
