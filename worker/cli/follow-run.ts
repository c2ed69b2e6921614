import { setTimeout as sleep } from 'node:timers/promises';

import type { Ledger } from '../../activities/ledger/ledger.ts';
import { readLiveProgress } from '../../activities/ledger/live-progress.ts';
import { createDisplay } from './progress-bar.ts';

/** How often the ledger is asked how far the run is. */
const LOOK_EVERY_MILLIS = 300;

/** Shows on standard error how the run of a workflow goes on, as the ledger knows it, until it is asked to end. */
export async function followRun(ledger: Ledger, workflowId: string, ended: AbortSignal): Promise<void> {
  const display = createDisplay();
  const look = async (): Promise<void> => {
    const run = await ledger.session.ledger.runs.findLastOf(workflowId);
    if (run !== undefined) display.show(await readLiveProgress(ledger, run));
  };
  while (!ended.aborted) {
    // A database that is away for a while is the run's business; the display waits.
    await look().catch(() => undefined);
    await sleep(LOOK_EVERY_MILLIS, undefined, { signal: ended }).catch(() => undefined);
  }
  await look().catch(() => undefined);
  display.end();
}
