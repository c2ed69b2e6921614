import { z } from 'zod';

import { count, instant, Missing, RunStates, Size } from './schema-parts.ts';

/* The schemas of the responses about runs: see `response-schemas.ts`. */

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
      '`unknown`: Temporal has no such workflow open; `no-worker`: no worker responds for it; `encoded`: its result cannot be read here; `no-temporal`: Temporal does not respond',
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
