import type { Ending, RunReport } from '../contract.ts';
import { readReport, wireReport } from '../ledger/reports.ts';
import { closeRun } from '../ledger/runs.ts';
import type { RunContext } from './context.ts';

/** Closes a run in the ledger, frees its lease and answers what came of it. A run that is closed stays as it is. */
export async function finishRun(context: RunContext, ending: Ending): Promise<RunReport> {
  const { ledger } = await context.databases.named(ending.database);
  await closeRun(ledger, ending);
  const report = await readReport(ledger, ending.run);
  if (report === undefined) throw new Error(`run ${ending.run} is not in the ledger`);
  return wireReport(report);
}
