import type { Client, ScheduleDescription } from '@temporalio/client';
import type { z } from 'zod';

import type { Policy } from '../../policy/policy.ts';
import { describeOrNone, sayWhen, scheduleIdOf } from '../schedule.ts';
import type { Policies } from './answers.ts';
import { Cached } from './cached.ts';
import type { Sources } from './sources.ts';
import { askTemporal } from './temporal.ts';

type Answer = z.infer<typeof Policies>;
type PolicyAnswer = Answer['policies'][number];

const KEEP_MILLIS = 3_000;
const NEXT_RUNS = 3;

/** Reads the policies of the worker and their schedules. */
export function policyReader({ databases, policies, client }: Sources): () => Promise<Answer> {
  const answers = new Cached<Answer>(KEEP_MILLIS);
  return async () =>
    answers.get('', async () => ({
      at: new Date().toISOString(),
      policies: await Promise.all(
        policies.map(async (policy) => describe(client, policy, databases.nameFor(policy) ?? null)),
      ),
    }));
}

async function describe(client: Client, policy: Policy, database: string | null): Promise<PolicyAnswer> {
  const id = scheduleIdOf(policy);
  const schedule = await askTemporal(client, async () => describeOrNone(client, id));
  return {
    name: policy.name,
    database,
    enabled: policy.enabled,
    when: sayWhen(policy),
    passes: policy.passes.map(({ name, kind }) => ({ name, kind })),
    schedule: schedule === undefined ? null : scheduleOf(id, schedule),
  };
}

function scheduleOf(id: string, { state, info }: ScheduleDescription): PolicyAnswer['schedule'] {
  const { paused, note = '' } = state;
  return {
    id,
    state: paused ? 'paused' : 'active',
    note,
    // Temporal goes on telling times at which a paused schedule will start nothing.
    nextRuns: paused ? [] : info.nextActionTimes.slice(0, NEXT_RUNS).map((time) => time.toISOString()),
    openWorkflows: info.runningActions.map((open) => open.workflow.workflowId),
  };
}
