import type { Client, ScheduleDescription } from '@temporalio/client';
import type { z } from 'zod';

import type { Policy } from '../../policy/policy.ts';
import { askTemporal } from '../ask-temporal.ts';
import { readRunState } from '../run-state.ts';
import { describeOrNone, formatSchedule, getScheduleId } from '../schedule.ts';
import { Cached } from './cached.ts';
import type { Policies } from './response-schemas.ts';
import type { Sources } from './sources.ts';

type Response = z.infer<typeof Policies>;
type PolicyStatus = Response['policies'][number];

const CACHE_MILLIS = 3_000;
const NEXT_RUNS = 3;

/** Reads the policies of the worker and their schedules. */
export function createPolicyReader({
  databases,
  policies,
  client,
  worker,
}: Sources): () => Promise<Response> {
  const cache = new Cached<Response>(CACHE_MILLIS);
  return async () =>
    cache.get('', async () => ({
      at: new Date().toISOString(),
      policies: await Promise.all(
        policies.map(async (policy) =>
          describePolicy(client, policy, databases.nameFor(policy) ?? null, worker.options.taskQueue),
        ),
      ),
    }));
}

async function describePolicy(
  client: Client,
  policy: Policy,
  database: string | null,
  taskQueue: string,
): Promise<PolicyStatus> {
  const id = getScheduleId(policy);
  const found = await askTemporal(client, async () => describeOrNone(client, id));
  // One of another task queue is another environment's: it starts no run here.
  const schedule = found?.action.taskQueue === taskQueue ? found : undefined;
  return {
    name: policy.name,
    database,
    enabled: policy.enabled,
    when: formatSchedule(policy),
    passes: policy.passes.map(({ name, kind }) => ({ name, kind })),
    schedule: schedule === undefined ? null : await describeSchedule(client, id, schedule),
  };
}

async function describeSchedule(
  client: Client,
  id: string,
  { state, info }: ScheduleDescription,
): Promise<PolicyStatus['schedule']> {
  const { paused, note = '' } = state;
  const openWorkflows = info.runningActions.map((open) => open.workflow.workflowId);
  return {
    id,
    state: paused ? 'paused' : 'active',
    note,
    // Temporal also returns times for a paused schedule, which starts nothing.
    nextRuns: paused ? [] : info.nextActionTimes.slice(0, NEXT_RUNS).map((time) => time.toISOString()),
    openWorkflows,
    waitsFor: await findWait(client, openWorkflows),
  };
}

/** A run that waits before it begins, as until its window opens, is in no ledger: only its workflow knows of it. */
async function findWait(client: Client, workflowIds: readonly string[]): Promise<string | null> {
  const runs = await Promise.all(workflowIds.map(async (id) => readRunState(client, id)));
  const found = runs.find(({ progress }) => progress?.run === null && progress.reason !== null);
  if (found === undefined) return null;
  const { state, reason } = found;
  return state === 'paused' ? `signal resume: ${reason}` : reason;
}
