import type { Client } from '@temporalio/client';

import type { RunProgress } from '../workflows/progress.ts';
import { askTemporal } from './ask-temporal.ts';
import { isOpen } from './open-runs.ts';

/** How an open run of the ledger stands, as its workflow says: the command line and the page show the same. */
export interface RunState {
  /** `unknown` if its Temporal has no such workflow open; `running` if nobody can say. */
  readonly state: RunProgress['state'] | 'unknown';
  /** Why it is paused, what it waits for, or why its state is not known; null if there is nothing to say. */
  readonly reason: string | null;
  /** Left out if the workflow did not respond. */
  readonly progress?: RunProgress;
}

const TIMEOUT_MILLIS = 1_500;
const GONE =
  'Temporal has no such workflow open: it is over, and the next run takes its place, or it works with another Temporal';
const SILENT = 'neither Temporal nor a worker says how it stands; what is told here is in the ledger';

/** Asks the workflow of an open run how it stands. Never throws: a run is shown also if nobody responds. */
export async function readRunState(client: Client, workflowId: string): Promise<RunState> {
  try {
    const ask = async (): Promise<RunState> => {
      if (!(await isOpen(client, workflowId))) return { state: 'unknown', reason: GONE };
      const progress = await client.workflow.getHandle(workflowId).query<RunProgress>('progress');
      return { state: progress.state, reason: progress.reason, progress };
    };
    return await askTemporal(client, ask, TIMEOUT_MILLIS);
  } catch {
    return { state: 'running', reason: SILENT };
  }
}
