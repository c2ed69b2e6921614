import { activityInfo } from '@temporalio/activity';

import { assertValid } from '../../policy/issue.ts';
import { previewPolicy } from '../inspect/preview.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { insertPreview } from '../ledger/runs.ts';
import { assertSupported } from '../plan/supported.ts';
import type { RunReport } from '../stored/report.ts';
import type { RunContext } from './context.ts';
import { currentWorkflowId } from './current-run.ts';
import { withHeartbeat } from './heartbeat.ts';
import { readInput } from './read-input.ts';

/** Counts what a run would delete and writes the counts into the ledger as a run of mode preview. Needs no lease. */
export async function previewRun(
  context: RunContext,
  input: unknown,
  firstRunId: string,
): Promise<RunReport> {
  const { policy, passes } = readInput(input, context.policies);
  assertValid(`policy ${JSON.stringify(policy.name)}`, context.databases.check(policy));
  const database = await context.databases.named(context.databases.nameFor(policy));
  await assertSupported(database.session);
  const preview = await withHeartbeat(async (signal) => previewPolicy(database, policy, passes, signal));
  await database.ledger.migrate();
  // Each tick of a workflow with a cron of its own is a preview of its own.
  const runId = activityInfo().workflowExecution?.runId ?? firstRunId;
  const owner = {
    workflowId: currentWorkflowId(),
    firstRunId: runId,
    temporal: await context.findTemporal(),
  };
  const run = await insertPreview(database.ledger, owner, policy.name, preview.at, preview.passes);
  const report = await readReport(database.ledger, run);
  if (report === undefined) throw new Error(`run ${run} is not in the ledger`);
  return wireReport(report);
}
