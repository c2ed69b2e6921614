import { setTimeout as sleep } from 'node:timers/promises';

import type { Client as TemporalClient } from '@temporalio/client';

import { openDatabase } from '../../activities/ledger/database.ts';
import { followRun } from '../../worker/cli/follow-run.ts';
import { connectClient } from '../../worker/temporal.ts';
import type { Stage } from './stage.ts';

/** Shows the run that a schedule started until it ends. Returns its number in the ledger. */
export async function watchRun(stage: Stage, scheduleId: string): Promise<number> {
  const temporal = await connectClient({ address: stage.temporalAddress });
  const database = await openDatabase(stage.database.url);
  const { ledger } = database;
  try {
    const workflowId = await startedBy(temporal.client, scheduleId);
    const ended = new AbortController();
    const following = followRun(ledger, workflowId, ended.signal);
    await temporal.client.workflow
      .getHandle(workflowId)
      .result()
      .finally(() => ended.abort());
    await following;
    const run = await ledger.session.ledger.runs.findLastOf(workflowId);
    if (run === undefined) throw new Error(`workflow ${workflowId} has no run in the ledger`);
    return run;
  } finally {
    await database.close();
    await temporal.close();
  }
}

/** The workflow that a schedule started: a moment after it was triggered, the server knows it. */
async function startedBy(client: TemporalClient, scheduleId: string): Promise<string> {
  for (;;) {
    const { info } = await client.schedule.getHandle(scheduleId).describe();
    const started = info.recentActions.at(-1)?.action.workflow.workflowId;
    if (started !== undefined) return started;
    await sleep(100);
  }
}
