import type { Client, ScheduleDescription } from '@temporalio/client';
import type { z } from 'zod';

import type { Policy } from '../../policy/policy.ts';
import { askTemporal } from '../ask-temporal.ts';
import { describeOrNone, formatSchedule, getScheduleId, listOpenOf } from '../schedule.ts';
import { findWaitingRuns } from '../waiting-runs.ts';
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
    cache.get('', async () => {
      const { taskQueue } = worker.options;
      const described = await Promise.all(
        policies.map(async (policy) =>
          describePolicy(client, policy, databases.nameFor(policy) ?? null, taskQueue),
        ),
      );
      const scheduled = described.flatMap(({ schedule }) => schedule?.openWorkflows ?? []);
      const waiting = await findWaitingRuns(client, { taskQueue, policies, scheduled });
      return {
        at: new Date().toISOString(),
        policies: described.map((policy) => ({
          ...policy,
          waitsFor: waiting.find((run) => run.policy === policy.name)?.reason ?? null,
        })),
      };
    });
}

async function describePolicy(
  client: Client,
  policy: Policy,
  database: string | null,
  taskQueue: string,
): Promise<Omit<PolicyStatus, 'waitsFor'>> {
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
    schedule: schedule === undefined ? null : describeSchedule(id, schedule),
  };
}

function describeSchedule(id: string, schedule: ScheduleDescription): PolicyStatus['schedule'] {
  const { state, info } = schedule;
  const { paused, note = '' } = state;
  return {
    id,
    state: paused ? 'paused' : 'active',
    note,
    // Temporal also returns times for a paused schedule, which starts nothing.
    nextRuns: paused ? [] : info.nextActionTimes.slice(0, NEXT_RUNS).map((time) => time.toISOString()),
    openWorkflows: listOpenOf(schedule),
  };
}
