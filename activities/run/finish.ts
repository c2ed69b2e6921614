import { ApplicationFailure } from '@temporalio/common';

import type { Ending, RunReport } from '../contract.ts';
import { FAILURE } from '../failure.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { closeRun, findWorkflowOf } from '../ledger/runs.ts';
import { recordBacklog, recordEnd } from '../metrics/runs.ts';
import { measureBacklogs } from './backlog.ts';
import type { RunContext } from './context.ts';
import { measureRun } from './measure.ts';
import { ownWorkflowId } from './place.ts';

/**
 * Closes a run in the ledger, frees its lease and answers what came of it. A run that is closed stays as it is. Refuses
 * a run of another workflow: whoever may start workflows can name any.
 */
export async function finishRun(context: RunContext, ending: Ending): Promise<RunReport> {
  const database = await context.databases.named(ending.database);
  const { ledger } = database;
  if ((await findWorkflowOf(ledger, ending.run)) !== ownWorkflowId()) {
    throw ApplicationFailure.nonRetryable(`run ${ending.run} is not of this workflow`, FAILURE.closed);
  }
  await measureRun(database, ending.run, 'end');
  const measured = await measureBacklogs(database, ending.run, 'after');
  const closed = await closeRun(ledger, ending);
  const report = await readReport(ledger, ending.run);
  if (report === undefined) throw new Error(`run ${ending.run} is not in the ledger`);
  for (const backlog of measured) recordBacklog(report.policy, backlog);
  if (closed) recordEnd(report);
  return wireReport(report);
}
