import type { Client } from '@temporalio/client';

import type { Policy } from '../policy/policy.ts';
import { askTemporal } from './ask-temporal.ts';
import { listOpenOn } from './open-runs.ts';
import { readRunState } from './run-state.ts';
import { Unavailable } from './unavailable.ts';

/** A run that Temporal has open and that has not begun: it waits for its window, for another run, or it is paused. No ledger has it. */
export interface WaitingRun {
  readonly workflowId: string;
  /** Null if its input names none and there are several. */
  readonly policy: string | null;
  readonly reason: string;
}

/** Where to look for runs. */
interface WaitingQuery {
  readonly taskQueue: string;
  /** The policies of the worker of the task queue. If it has only one, runs need not name it. */
  readonly policies: readonly Pick<Policy, 'name'>[];
  /** Workflows that a schedule has open: the list of Temporal lags behind it. */
  readonly scheduled?: readonly string[];
}

/** Finds the runs on a task queue that have not begun, by what their workflows say, whoever started them. */
export async function findWaitingRuns(
  client: Client,
  { taskQueue, policies, scheduled = [] }: WaitingQuery,
): Promise<WaitingRun[]> {
  const visible = await askTemporal(client, async () => listVisible(client, taskQueue)).catch(
    (error: unknown) => {
      // A role that may not list workflows still sees those of the schedule.
      if (error instanceof Unavailable) return [];
      throw error;
    },
  );
  const states = [...new Set([...scheduled, ...visible])].map(async (workflowId) => ({
    workflowId,
    state: await readRunState(client, workflowId),
  }));
  const only = policies.length === 1 ? (policies[0]?.name ?? null) : null;
  return (await Promise.all(states)).flatMap(({ workflowId, state: { state, reason, progress } }) =>
    progress === undefined || progress.run !== null || (reason === null && state !== 'paused')
      ? []
      : [{ workflowId, policy: progress.policy ?? only, reason: describeWait(state, reason) }],
  );
}

function describeWait(state: string, reason: string | null): string {
  const parts = [...(state === 'paused' ? ['signal resume'] : []), ...(reason === null ? [] : [reason])];
  return parts.join(': ');
}

async function listVisible(client: Client, taskQueue: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of listOpenOn(client, taskQueue)) found.push(workflowId);
  return found;
}
