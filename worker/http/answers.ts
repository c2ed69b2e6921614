import { z } from 'zod';

import { SIGNALS } from '../send-signal.ts';

/*
 * The schemas of the responses. A response has nothing that its schema does not declare: names of policies, passes,
 * tables and workflows, counts, bytes, instants and fixed words; no rows, filters, statements or addresses.
 */

const instant = z.string().meta({ format: 'date-time' });
const count = z.number();

export const Problem = z.object({ error: z.string().describe('What is wrong, in a sentence') });

export const Health = z.object({ status: z.literal('ok') });

export const RunStates = [
  'running',
  'completed',
  'failed',
  'stopped',
  'stopped-by-guard',
  'cancelled',
  'terminated',
  'skipped',
  'disabled',
] as const;

export const Readiness = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()).describe('Why a run would have to wait; empty if it is ready'),
  lastRuns: z
    .array(
      z.object({
        database: z.string(),
        policy: z.string(),
        status: z.enum(RunStates).nullable().describe('How the last run ended; null if none has ended'),
        endedAt: instant.nullable(),
        completedAt: instant.nullable().describe('When the last run that completed ended; null if none has'),
        completedSecondsAgo: count.nullable(),
      }),
    )
    .describe('How runs end does not decide whether a worker is ready: a metric and an alert rule tell'),
});

/** The databases that did not respond, if others did. */
const Missing = z
  .array(z.object({ database: z.string(), reason: z.string() }))
  .describe('Databases that did not respond, whose data is missing here; 503 if none responded');

const Poller = z.object({
  identity: z.string(),
  polls: z.array(z.enum(['workflow', 'activity'])),
  lastAccessAt: instant.nullable(),
});

export const Workers = z.object({
  at: instant,
  taskQueue: z.string(),
  namespace: z.string(),
  canSteer: z.boolean().describe('Whether this server accepts pause, resume and stop, which needs a token'),
  self: z.object({
    identity: z.string(),
    state: z.string().describe('RUNNING while it works; see `Worker.getState` of Temporal'),
    version: z.string(),
    startedAt: instant,
    uptimeSeconds: count,
    policies: z.array(z.string()),
    activities: count.describe('Activities that it executes now'),
  }),
  pollers: z.array(Poller).describe('All workers that Temporal saw on the task queue in the last minutes'),
});

const Schedule = z.object({
  id: z.string(),
  state: z.enum(['active', 'paused']),
  note: z.string(),
  nextRuns: z.array(instant).describe('The next three; empty while it is paused'),
  openWorkflows: z.array(z.string()),
});

export const Policies = z.object({
  at: instant,
  policies: z.array(
    z.object({
      name: z.string(),
      database: z
        .string()
        .nullable()
        .describe('Its name in the configuration of the worker; null if there is none'),
      enabled: z.boolean(),
      when: z.string().describe('The schedule in the policy'),
      passes: z.array(z.object({ name: z.string(), kind: z.string() })),
      schedule: Schedule.nullable().describe('Null if none was applied'),
    }),
  ),
});

const RunSummary = z.object({
  database: z.string(),
  run: count.describe('Its number in the ledger of the database'),
  policy: z.string(),
  mode: z.enum(['execute', 'preview']),
  status: z.enum(RunStates),
  startedAt: instant,
  endedAt: instant.nullable(),
  millis: count,
  reason: z
    .string()
    .nullable()
    .describe('Why it was stopped, failed or did nothing: the first of its reasons'),
  rows: count.describe('Rows deleted from all tables; in a preview, rows that a run would delete'),
  bytes: z.number().nullable().describe('Bytes given back to the disk; null if this was not measured'),
  files: count.describe('Files removed'),
  spaceReclaimed: count.describe('Bytes of the files removed'),
});

export const Runs = z.object({ at: instant, missing: Missing, runs: z.array(RunSummary) });

const BacklogRows = z.object({
  rows: count,
  error: count.describe('The standard error of `rows`; 0 if they were counted'),
  oldestSeconds: z.number().nullable(),
  atLeast: z.boolean(),
});

const Size = z.object({
  heap: count,
  indexes: count,
  toast: count,
  live: count,
  dead: count.describe('Dead rows by the statistics of the server'),
});

export const Run = RunSummary.extend({
  longestTransactionMillis: z.number().nullable(),
  reasons: z.array(z.string()),
  notes: z.array(z.string()),
  deleted: z.record(z.string(), z.number()).describe('Rows by table, cascades included'),
  sizes: z.array(z.object({ table: z.string(), before: Size.nullable(), after: Size.nullable() })),
  passes: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      status: z.string(),
      scan: z.string().nullable(),
      shards: count,
      batches: count,
      rows: count,
      moved: count,
      skipped: count.describe('Rows that qualified and stay because another session had them locked'),
      held: count.describe('Rows that qualified and stay because of a hold'),
      blocked: count.describe(
        'Rows that qualified and stay because others reference them or the database refuses',
      ),
      files: count.describe('Files removed; in a preview, files that a run would remove'),
      bytes: count,
      millis: count,
      error: z.string().nullable(),
      reported: z.object({ found: count, resolved: count }).nullable(),
      backlog: z
        .object({
          before: BacklogRows.nullable(),
          after: BacklogRows.nullable(),
          expiringPerDay: z.number().nullable(),
          removedPerDay: z.number().nullable(),
          keepsUp: z.boolean().nullable(),
        })
        .nullable(),
    }),
  ),
});

const OpenPass = z.object({
  name: z.string(),
  status: z.string(),
  rows: count,
  batches: count,
  percent: z.number().nullable().describe('The part of the work that is done, 0 to 100; null if unknown'),
  rowsPerSecond: z.number().nullable().describe('In all tables, while it runs; otherwise null'),
  etaSeconds: z.number().nullable().describe('Null if unknown, and while it does not run'),
  level: z.number().nullable().describe('For nested rows: the level of percent and ETA'),
  waitsFor: z.string().nullable(),
});

const OpenRun = z.object({
  database: z.string(),
  run: count,
  policy: z.string(),
  workflowId: z.string(),
  workflowUrl: z
    .string()
    .nullable()
    .describe('The workflow in the Temporal UI; null if its address is unknown'),
  startedAt: instant,
  state: z
    .enum([
      ...RunStates,
      'beginning',
      'paused',
      'waiting',
      'closing',
      'unknown',
      'no-worker',
      'encoded',
      'no-temporal',
    ])
    .describe(
      '`unknown`: Temporal has no such workflow open; `no-worker`: no worker answers for it; `encoded`: its answer cannot be read here; `no-temporal`: Temporal does not respond',
    ),
  reason: z
    .string()
    .nullable()
    .describe('Why it is paused, what it waits for, or why its state is not known'),
  canSteer: z.boolean().describe('Whether this worker has the policy, and takes signals for the run'),
  passes: z.array(OpenPass),
});

export const Status = z.object({
  at: instant,
  missing: Missing,
  running: z.boolean().describe('Whether a run is open, in the databases that responded'),
  open: z.array(OpenRun),
  last: z.array(RunSummary).describe('The last closed run of each policy that was no preview'),
  never: z
    .array(z.object({ database: z.string(), policy: z.string(), enabled: z.boolean() }))
    .describe('The policies of this worker of which no run has ended; previews do not count'),
});

const Bloat = z
  .object({ bytes: count, percent: count, by: z.enum(['estimate', 'pgstattuple_approx', 'dbstat']) })
  .nullable();

export const Tables = z.object({
  at: instant.describe('The time of the measurement'),
  missing: Missing,
  tables: z.array(
    Size.extend({
      database: z.string(),
      table: z.string(),
      policies: z.array(z.string()),
      bloat: Bloat.describe('Bytes of the heap that live rows do not need; null if unknown'),
      indexBloat: Bloat.describe('The same of its indexes'),
      lastVacuum: instant.nullable(),
      lastAutovacuum: instant.nullable(),
      lastAnalyze: instant.nullable(),
      lastAutoanalyze: instant.nullable(),
    }),
  ),
});

export const Signalled = z.object({
  policy: z.string(),
  signal: z.enum(SIGNALS),
  workflows: z.array(
    z.object({
      workflowId: z.string(),
      run: z.number().nullable().describe('Its number in the ledger; null if it has none yet'),
      state: z.string().describe('The state of the run; `sent` if no worker has confirmed the signal yet'),
    }),
  ),
});
