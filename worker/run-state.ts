import type { Client } from '@temporalio/client';

import type { RunProgress } from '../workflows/progress.ts';
import { askTemporal } from './ask-temporal.ts';
import { ENCODED, isEncodedResult } from './encoded-result.ts';
import { findOpenQueue } from './open-runs.ts';
import { hasWorker } from './pollers.ts';

/**
 * How an open run of the ledger stands, as its workflow says: the command line and the page show the same. It is not known if
 * Temporal has no such workflow open (`unknown`), if no worker responds for it (`no-worker`), if the result cannot be read here
 * (`encoded`), or if Temporal does not respond (`no-temporal`).
 */
export type OpenState = RunProgress['state'] | 'unknown' | 'no-worker' | 'encoded' | 'no-temporal';

/** The state of an open run with its reason. */
export interface RunState {
  readonly state: OpenState;
  /** Why it is paused, what it waits for, or why its state is not known; null if there is nothing to say. */
  readonly reason: string | null;
  /** Left out if the workflow did not respond. */
  readonly progress?: RunProgress;
}

const TIMEOUT_MILLIS = 1_500;
/** A worker that works on a batch responds in milliseconds, unless its machine has too much to do. */
const QUERY_TIMEOUT_MILLIS = 3_000;
const GONE =
  'Temporal has no such workflow open: it is over, and the next run takes its place, or it works with another Temporal';
const FROM_LEDGER = 'What is shown is in the ledger';

/** Asks the workflow of an open run how it stands. Never throws: a run is shown also if nobody responds. */
export async function readRunState(client: Client, workflowId: string): Promise<RunState> {
  let taskQueue: string | undefined;
  try {
    taskQueue = await askTemporal(client, async () => findOpenQueue(client, workflowId), TIMEOUT_MILLIS);
  } catch {
    return describeNoTemporal('Temporal does not respond');
  }
  if (taskQueue === undefined) return { state: 'unknown', reason: GONE };
  try {
    const ask = async (): Promise<RunProgress> =>
      client.workflow.getHandle(workflowId).query<RunProgress>('progress');
    const progress = await askTemporal(client, ask, QUERY_TIMEOUT_MILLIS);
    return { state: progress.state, reason: progress.reason, progress };
  } catch (error) {
    if (isEncodedResult(error)) return { state: 'encoded', reason: `${ENCODED}. ${FROM_LEDGER}` };
    return { state: 'no-worker', reason: await describeNoWorker(client, taskQueue) };
  }
}

/** The state of a run that Temporal cannot be asked about. */
export function describeNoTemporal(why: string): RunState {
  return { state: 'no-temporal', reason: `${why}. ${FROM_LEDGER}` };
}

async function describeNoWorker(client: Client, taskQueue: string): Promise<string> {
  const polls = await askTemporal(client, async () => hasWorker(client, taskQueue), TIMEOUT_MILLIS).catch(
    () => undefined,
  );
  const why =
    polls === true
      ? `One polled task queue ${taskQueue} a moment ago: its log may say why`
      : polls === false
        ? `None polls task queue ${taskQueue}, and the run goes on when one is started`
        : `Task queue ${taskQueue} needs one`;
  return `no worker responds. ${why}. ${FROM_LEDGER}`;
}
