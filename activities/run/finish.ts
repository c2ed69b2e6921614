import { ApplicationFailure } from '@temporalio/common';

import type { FinishRunRequest } from '../contract.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { closeRun } from '../ledger/runs.ts';
import type { RunReport } from '../stored/report.ts';
import { measureBacklogs } from './backlog.ts';
import type { RunContext } from './context.ts';
import { currentWorkflowId } from './current-run.ts';
import { FAILURE } from './failure.ts';
import { measureRun } from './measure.ts';
import { recordBacklog, recordEnd } from './metrics.ts';

/**
 * Closes a run in the ledger, frees its lease and returns its report. A run that is closed stays as it is. Refuses a run
 * of another workflow: whoever may start workflows can name any.
 */
export async function finishRun(context: RunContext, request: FinishRunRequest): Promise<RunReport> {
  const { run } = request;
  const database = await context.databases.named(request.database);
  const { session, ledger } = database;
  if ((await session.ledger.runs.findWorkflow(run)) !== currentWorkflowId()) {
    throw ApplicationFailure.nonRetryable(`run ${run} does not belong to this workflow`, FAILURE.closed);
  }
  await measureRun(database, run, 'end');
  const measured = await measureBacklogs(database, run, 'after');
  const isClosed = await closeRun(ledger, request);
  const report = await readReport(ledger, run);
  if (report === undefined) throw new Error(`run ${run} is not in the ledger`);
  for (const backlog of measured) recordBacklog(report.policy, backlog);
  if (isClosed) recordEnd(report);
  return wireReport(report);
}
