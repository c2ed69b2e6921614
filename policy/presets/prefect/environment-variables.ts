import type { z } from 'zod';

import { DAY, SECOND } from '../../duration.ts';
import type { Issue } from '../../issue.ts';
import { ValidationError } from '../../issue.ts';
import type { LimitOptions } from '../../limits.ts';
import { toIssues } from '../../zod-issues.ts';
import { checkApiUrl, PrefectApi } from './api.ts';
import type { EventRetention } from './event-retention.ts';
import { shortened } from './event-retention.ts';
import { LIMIT_SETTINGS } from './limit-settings.ts';
import { SETTINGS, SettingsSchema } from './settings-schema.ts';
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

/** What Prefect itself does with heartbeats. */
const HEARTBEATS: EventRetention = new Map([['prefect.flow-run.heartbeat', 7 * DAY]]);

const NO_WINDOW: Issue = {
  at: 'setting reclaim',
  what: 'full keeps everybody off each table while it is rewritten, and no reclaimWindow says when that is bearable',
  fix: "Set reclaimWindow, like '03:00-05:00'; '00:00-24:00' is always open",
};

/**
 * Reads the settings: what is given, else what the environment says under Prefect's own names, else the default.
 * Throws one {@link ValidationError} with everything that cannot be read.
 */
export function parseSettings(
  given: PrefectSettings,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedSettings {
  const variables = new Map<PropertyKey, string>();
  const values: Record<string, unknown> = { ...given };
  for (const [key, names] of Object.entries(ENVIRONMENT)) {
    const variable = names.find((name) => environment[name] !== undefined);
    if (values[key] !== undefined || variable === undefined) continue;
    variables.set(key, variable);
    values[key] = environment[variable];
  }
  const { data, error } = SettingsSchema.safeParse(values);
  const issues = toIssues(error, (key) => {
    const variable = variables.get(key);
    return variable === undefined ? `setting ${String(key)}` : `environment variable ${variable}`;
  });
  // Read by themselves, so that their issues are reported beside others.
  const endsStuckRuns = SETTINGS.endStuckRuns.safeParse(values['endStuckRuns']).data === true;
  const url = SETTINGS.apiUrl.safeParse(values['apiUrl']).data ?? '';
  if (endsStuckRuns) issues.push(...checkApiUrl(url));
  if (values['reclaim'] === 'full' && values['reclaimWindow'] === undefined) issues.push(NO_WINDOW);
  if (issues.length > 0 || data === undefined) throw new ValidationError('preset prefect', issues);
  return {
    ...data,
    loopMillis: data.loopSeconds * SECOND,
    retentionMillis: data.retentionPeriod,
    backgroundTaskMillis:
      data.backgroundTaskRetention === undefined ? data.retentionPeriod : data.backgroundTaskRetention,
    logMillis: data.logRetention,
    logLevels: data.logRetentionByLevel,
    eventMillis: data.eventRetentionPeriod,
    eventOverrides: readEventOverrides(data, given),
    graceMillis: data.orphanGrace,
    stuckMillis: data.stuckAfter,
    endStuckRuns: endsStuckRuns ? new PrefectApi(url, environment) : undefined,
    batchTargetMillis: data.batchTarget,
    batchPauseMillis: data.batchPause,
    limits: readLimits(data),
  };
}

function readEventOverrides(data: z.output<typeof SettingsSchema>, given: PrefectSettings): EventRetention {
  const { eventRetentionPeriod: period } = data;
  // A person who keeps events for ever means heartbeats too.
  const overrides = data.eventRetentionOverrides ?? (period === null ? new Map() : HEARTBEATS);
  // Only overrides that a person wrote for this program may keep some events longer than the others.
  return given.eventRetentionOverrides === undefined && period !== null
    ? shortened(overrides, period)
    : overrides;
}

function readLimits(data: z.output<typeof SettingsSchema>): LimitOptions {
  const keys = [...Object.keys(LIMIT_SETTINGS), 'timezone'] as (keyof LimitOptions)[];
  return Object.fromEntries(keys.flatMap((key) => (data[key] === undefined ? [] : [[key, data[key]]])));
}
