import { z } from 'zod';

import { SIGNALS } from '../send-signal.ts';
import { count, instant, Missing, RunStates, Size } from './schema-parts.ts';

/*
 * The schemas of the responses. A response has nothing that its schema does not declare: names of policies, passes,
 * tables and workflows, counts, bytes, instants and fixed words; no rows, filters, statements or addresses.
 */

export const Problem = z.object({ error: z.string().describe('What is wrong, in a sentence') });

export const Health = z.object({ status: z.literal('ok') });

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
      waitsFor: z
        .string()
        .nullable()
        .describe(
          'What a run waits for that has not begun, and is in no ledger yet, whoever started it; null if none does',
        ),
    }),
  ),
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
