import { activityInfo, Context } from '@temporalio/activity';

import { refuseMistakes } from '../../policy/mistake.ts';
import type { RunReport } from '../contract.ts';
import { insertPreview } from '../ledger/previews.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { previewPolicy } from '../preview/preview.ts';
import type { RunContext } from './context.ts';
import { readInput } from './input.ts';
import { ownWorkflowId } from './place.ts';

const HEARTBEAT_MILLIS = 2_000;

/** Counts what a run would delete and keeps the counts in the ledger as a run of mode preview. Needs no lease. */
export async function previewRun(
  context: RunContext,
  input: unknown,
  firstRunId: string,
): Promise<RunReport> {
  const { policy, passes } = readInput(input, context.policies);
  refuseMistakes(`policy ${JSON.stringify(policy.name)}`, context.databases.check(policy));
  const database = await context.databases.named(context.databases.nameFor(policy));
  const preview = await whileHeartbeating(async (signal) => previewPolicy(database, policy, passes, signal));
  await database.ledger.migrate();
  // Each tick of a workflow with a cron of its own is a preview of its own.
  const ownRunId = activityInfo().workflowExecution?.runId ?? firstRunId;
  const owner = { workflowId: ownWorkflowId(), firstRunId: ownRunId, temporal: await context.place() };
  const run = await insertPreview(database.ledger, owner, policy.name, preview.at, preview.passes);
  const report = await readReport(database.ledger, run);
  if (report === undefined) throw new Error(`run ${run} is not in the ledger`);
  return wireReport(report);
}

/** One statement counts everything: only a timer can say meanwhile that the worker lives. */
async function whileHeartbeating<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const activity = Context.current();
  const timer = setInterval(() => activity.heartbeat({ counting: true }), HEARTBEAT_MILLIS);
  try {
    return await work(activity.cancellationSignal);
  } catch (error) {
    // What ended the statement is not its own error.
    activity.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
