import { z } from 'zod';

import { DAY, HOUR } from '../../duration.ts';
import { strictOptions } from '../../strict-options.ts';
import { formatValue, withFix } from '../../zod-issues.ts';
import { ENABLED_WORDS, EnabledSchema, YesNoSchema } from './enabled.ts';
import { TERMINAL_STATE_TYPES } from './entities/state-type.ts';
import { EventRetentionSchema } from './event-retention.ts';
import { LIMIT_SETTINGS } from './limit-settings.ts';
import { LOG_LEVELS, LogRetentionSchema } from './log-retention.ts';
import { periodAbove, periodOrNever } from './periods.ts';
import { describeRules, RunRetentionSchema } from './run-retention.ts';
import type { PrefectSettings } from './settings.ts';
import { numberIn, setting, TextSchema } from './value-schemas.ts';

const A_PERIOD = "seconds, a duration like '90 days', or ISO 8601 like 'P90D'";

const StatesSchema = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',') : value),
  z.array(z.preprocess((word) => String(word).trim().toUpperCase(), z.enum(TERMINAL_STATE_TYPES))).min(1),
);

const WholeSchema = numberIn(z.int().min(1));

/** The schema of each setting. Periods become milliseconds. */
export const SETTINGS = {
  enabled: setting(
    EnabledSchema,
    `Use true, false, or some of ${ENABLED_WORDS.join(', ')} with commas between`,
  ).default(new Set()),
  loopSeconds: setting(numberIn(z.number().gt(0)), 'Use a number of seconds, at least 1').default(3600),
  cron: setting(TextSchema, "Use five cron fields, like '0 3 * * *'").optional(),
  timezone: setting(TextSchema, "Use an IANA name, like 'Asia/Bangkok'").optional(),
  retentionPeriod: setting(periodAbove(HOUR), `Use more than 1 hour: ${A_PERIOD}`).default(90 * DAY),
  states: setting(StatesSchema, `Use some of ${TERMINAL_STATE_TYPES.join(', ')}`).default([
    ...TERMINAL_STATE_TYPES,
  ]),
  runRetention: withFix(
    RunRetentionSchema,
    'Use a list of rules: [{"flow": "etl", "state": "COMPLETED", "olderThan": "7 days", "keepLast": 5}]',
    (_, value, issues) => `${formatValue(value)} cannot be used: ${describeRules(issues)}`,
  ).default([]),
  keepLast: setting(WholeSchema, 'Use a whole number of at least 1').optional(),
  keepLastPer: setting(z.enum(['deployment', 'flow']), 'Use deployment or flow').default('deployment'),
  oldSubflows: setting(YesNoSchema, 'Use true or false').default(false),
  backgroundTaskRetention: setting(
    periodOrNever(HOUR),
    `Use more than 1 hour: ${A_PERIOD}; or 'never'`,
  ).optional(),
  logRetention: setting(periodOrNever(HOUR - 1), `Use at least 1 hour: ${A_PERIOD}`).default(null),
  logRetentionByLevel: setting(
    LogRetentionSchema,
    `Use some of ${LOG_LEVELS.join(', ')} with periods of at least 1 hour: {"DEBUG": "3 days"}`,
  ).default(new Map()),
  eventRetentionPeriod: setting(
    periodOrNever(HOUR - 1),
    `Use at least 1 hour: ${A_PERIOD}; or 'never'`,
  ).default(7 * DAY),
  eventRetentionOverrides: setting(
    EventRetentionSchema,
    'Use names of events, or prefixes that end in *, with periods of at least 1 hour: {"prefect.flow-run.heartbeat": "2 days"}',
  ).optional(),
  orphanGrace: setting(
    periodAbove(-1),
    "Use seconds, a duration like '1 day', or ISO 8601 like 'P1D', not negative",
  ).default(DAY),
  stuckAfter: setting(periodOrNever(HOUR - 1), `Use at least 1 hour: ${A_PERIOD}; or 'never'`).default(
    3 * DAY,
  ),
  endStuckRuns: setting(YesNoSchema, 'Use true or false').default(false),
  // Whether it is a URL is checked only if it is used: other programs may need another value of the variable.
  apiUrl: setting(z.string(), "Use a URL, like 'http://127.0.0.1:4200/api'").default(''),
  batchSize: setting(
    WholeSchema.or(z.literal('auto')),
    "Use a whole number of at least 1, or 'auto'",
  ).default('auto'),
  batchTarget: setting(periodAbove(0), "Use a duration, like '100 ms'").default(100),
  batchPause: setting(periodAbove(-1), "Use a duration, like '50 ms', or 0").default(0),
  shards: setting(WholeSchema, 'Use a whole number from 1 to 16').default(2),
  sliceSeconds: setting(WholeSchema, 'Use a whole number of seconds, at least 1').default(20),
  sliceBatches: setting(WholeSchema, 'Use a whole number of at least 1').optional(),
  reclaim: setting(z.enum(['vacuum', 'reindex', 'full', 'off']), 'Use vacuum, reindex, full or off').default(
    'off',
  ),
  reclaimWindow: setting(TextSchema, "Use two times of day, like '03:00-05:00'").optional(),
  ...LIMIT_SETTINGS,
} satisfies Record<keyof PrefectSettings, z.ZodType>;

/** The names of all settings. */
export const SETTING_NAMES = Object.keys(SETTINGS);

/** All settings, and no other. */
export const SettingsSchema = strictOptions(SETTINGS, () => 'there is no such setting in preset prefect');
