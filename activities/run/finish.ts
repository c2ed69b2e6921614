import type { FinishRunRequest } from '../contract.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { closeRun } from '../ledger/runs.ts';
import type { RunReport } from '../stored/report.ts';
import { measureBacklogs } from './backlog.ts';
import type { RunContext } from './context.ts';
import { createElsewhereFailure, isOwnRun } from './current-run.ts';
import { measureRun } from './measure.ts';
import { recordBacklog, recordEnd } from './metrics.ts';

/**
 * Closes a run in the ledger, frees its lease and returns its report. A run that is closed stays as it is. Refuses a run
 * of another workflow: whoever may start workflows can name any.
 */
export async function finishRun(context: RunContext, request: FinishRunRequest): Promise<RunReport> {
  const { run } = request;
  const database = await context.databases.named(request.database);
  const { ledger } = database;
  if (!(await isOwnRun(ledger, run))) throw createElsewhereFailure(run, true);
  await measureRun(database, run, 'end');
  const measured = await measureBacklogs(database, run, 'after');
  const isClosed = await closeRun(ledger, request);
  const report = await readReport(ledger, run);
  if (report === undefined) throw new Error(`run ${run} is not in the ledger`);
  for (const backlog of measured) recordBacklog(report.policy, backlog);
  if (isClosed) recordEnd(report);
  return wireReport(report);
}
