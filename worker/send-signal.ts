import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';

import type { RunProgress } from '../workflows/progress.ts';
import { askTemporal } from './ask-temporal.ts';
import { isEncodedResult } from './encoded-result.ts';

/** The signals that an operator sends to a run. */
export const SIGNALS = ['pause', 'resume', 'stop'] as const;

export type Signal = (typeof SIGNALS)[number];

/**
 * The result of a signal: the state of the run; `sent` if no worker has confirmed the signal yet; or `encoded` if one returned what
 * cannot be read here.
 */
export interface SignalResult {
  readonly workflowId: string;
  readonly run: number | null;
  readonly state: RunProgress['state'] | 'sent' | 'encoded';
}

/** How long to wait for the signal to take effect, the time that Temporal takes for the signal included: who asks has a limit, too. */
const EFFECT_TIMEOUT_MILLIS = 5_000;
const QUERY_INTERVAL_MILLIS = 100;
const QUERY_TIMEOUT_MILLIS = 1_500;

/**
 * Sends a signal to a workflow, and waits up to 5 s until the run shows its effect. Returns undefined if the workflow has ended
 * meanwhile. An empty reason is none.
 */
export async function sendSignal(
  client: Client,
  workflowId: string,
  signal: Signal,
  reason: string | undefined,
): Promise<SignalResult | undefined> {
  const handle = client.workflow.getHandle(workflowId);
  const until = Date.now() + EFFECT_TIMEOUT_MILLIS;
  try {
    await handle.signal(signal, ...(reason === undefined || reason === '' ? [] : [reason]));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
  let run: number | null = null;
  do {
    // No query may outlast the whole: the connection of a worker tries again after a timeout of its own.
    const timeout = Math.max(1, Math.min(QUERY_TIMEOUT_MILLIS, until - Date.now()));
    const ask = async (): Promise<RunProgress> => handle.query<RunProgress>('progress');
    const progress = await askTemporal(client, ask, timeout).catch((error: unknown) =>
      isEncodedResult(error) ? 'encoded' : undefined,
    );
    if (progress === 'encoded') return { workflowId, run, state: progress };
    run = progress?.run ?? run;
    if (progress !== undefined && hasTakenEffect(signal, progress.state))
      return { workflowId, run, state: progress.state };
    await sleep(QUERY_INTERVAL_MILLIS);
  } while (Date.now() < until);
  return { workflowId, run, state: 'sent' };
}

function hasTakenEffect(signal: Signal, state: RunProgress['state']): boolean {
  switch (signal) {
    case 'pause':
      return state !== 'running' && state !== 'beginning';
    case 'resume':
      return state !== 'paused';
    case 'stop':
      return !['running', 'beginning', 'paused', 'waiting'].includes(state);
  }
}

/** Describes that a policy has no open run to send a signal to, and what to do instead. */
export function describeNoRun(signal: Signal, policy: string): string {
  const next = signal === 'resume' ? 'resume' : 'pause';
  return (
    `there is nothing to ${signal}: no run of policy ${policy} is open. ` +
    `The schedule decides about later runs: \`temporal-vacuum schedule ${next} ${policy}\``
  );
}
