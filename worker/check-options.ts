import { z } from 'zod';

import type { DatabaseSource } from '../activities/ledger/database.ts';
import { assertValid } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { FlagSchema, NamesSchema, strictOptions } from '../policy/strict-options.ts';
import { findIssues, formatValue, withFix } from '../policy/zod-issues.ts';

/** Where a database is: a URL, what is open already, or a function that returns one of these. */
const DatabaseSchema = withFix(
  z.custom<DatabaseSource>(isSource),
  'Give it a URL, a pool of pg, a MikroORM instance, or a function that returns one of these',
  (option, value) => `${option} is ${formatValue(value)}, which is no database`,
);

const PolicySchema = withFix(
  z.custom<Policy>((value) => typeof value === 'object' && value !== null && 'name' in value),
  'Use what definePolicy returned; check its import',
  (option, value) => `${option} is ${formatValue(value)}, which is no policy`,
);

const TextSchema = withFix(z.string().min(1), 'Write a text that is not empty, or leave it out');
const PercentSchema = withFix(z.number().min(0).max(100), 'Use a number from 0 to 100');
const SignalSchema = withFix(
  z.instanceof(AbortSignal),
  'Give it the signal of an AbortController',
  (option) => `${option} is no signal`,
);

const WaivedSchema = z.record(z.string(), z.string(), {
  error: 'Give it the tables that need no policy, each with the reason as a text',
});

/** What a configuration file and the plugin have in common. */
const SETUP = {
  databases: z.record(z.string(), DatabaseSchema, { error: 'Give it the databases by their names' }),
  policies: z.array(PolicySchema, { error: 'Use a list of policies' }),
  ledgerSchema: TextSchema.optional(),
};

/** What the functions `stats`, `preview` and `execute` have in common. */
const PLACE = {
  database: DatabaseSchema,
  ledgerSchema: TextSchema.optional(),
  signal: SignalSchema.optional(),
};

/** The options that a program, or a configuration file, is written with. None may be misspelt. */
const OPTIONS = {
  config: strictOptions({
    ...SETUP,
    taskQueue: TextSchema.optional(),
    waived: WaivedSchema.optional(),
  }),
  plugin: strictOptions({
    ...SETUP,
    allowPercent: PercentSchema.optional(),
    clusterId: TextSchema.optional(),
  }),
  stats: strictOptions({ ...PLACE, exact: FlagSchema.optional() }),
  preview: strictOptions({ ...PLACE, passes: NamesSchema.optional(), keep: FlagSchema.optional() }),
  execute: strictOptions({
    ...PLACE,
    temporal: z
      .literal('dev')
      .or(strictOptions({ address: TextSchema.optional(), namespace: TextSchema.optional() })),
    passes: NamesSchema.optional(),
    ifBusy: withFix(z.enum(['skip', 'wait', 'fail']), "Use 'skip', 'wait' or 'fail'").optional(),
    allowPercent: PercentSchema.optional(),
  }),
} as const;

/** Returns options as they are. Throws a `ValidationError` with everything that is wrong with them; `at` is their place. */
export function checkOptions<T>(which: keyof typeof OPTIONS, options: T, at: string): T {
  assertValid(at, findIssues(OPTIONS[which], options, at));
  return options;
}

function isSource(value: unknown): boolean {
  return (
    typeof value === 'string' || typeof value === 'function' || (typeof value === 'object' && value !== null)
  );
}
