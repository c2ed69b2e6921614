import type { Command } from 'commander';

import { readHistory, readReport } from '../../activities/ledger/reports.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { ValidationError } from '../../policy/issue.ts';
import { findDatabaseSetup } from '../setup.ts';
import { withOnlyDatabase } from './database.ts';
import type { DatabaseFlags } from './options.ts';
import { databaseName, toNumber, withDetails, withJson, withPolicyOption, withSetup } from './options.ts';
import { print, printJson, printTable, formatMillis } from './output.ts';
import { formatStatus, OPEN_RUN, printReport, shorten, toPrinted } from './print-report.ts';

interface HistoryFlags extends DatabaseFlags {
  readonly limit: number;
  readonly details: boolean;
}

/** `history`: the runs in the ledger, or one of them. */
export function addHistory(program: Command): void {
  const command = program
    .command('history')
    .argument('[run]', 'the number of a run', toNumber)
    .description('the runs in the ledger, the newest first; or one run with its passes and tables')
    .addOption(databaseName())
    .option('--limit <number>', 'at most so many runs', toNumber, 20)
    .action(async (run: number | undefined, flags: HistoryFlags) => history(run, flags));
  withJson(withDetails(withSetup(withPolicyOption(command, 'only runs of this policy'))));
}

async function history(run: number | undefined, flags: HistoryFlags): Promise<void> {
  const setup = await findDatabaseSetup(flags, flags.policy);
  const reports = await withOnlyDatabase(setup, flags, async ({ ledger }) => {
    const version = await ledger.version();
    if (version === 'missing') return [];
    // Says what to grant.
    if (version === 'closed') await ledger.migrate();
    if (run === undefined) {
      const only = flags.policy === undefined ? {} : { policy: flags.policy };
      return readHistory(ledger, { ...only, limit: flags.limit });
    }
    const report = await readReport(ledger, run);
    return report === undefined ? [] : [report];
  });
  if (run === undefined) printRuns(reports, flags.json);
  else printRun(reports[0], run, flags);
}

function printRuns(reports: readonly LedgerReport[], json: boolean): void {
  if (json) {
    printJson(reports.map(toPrinted));
    return;
  }
  if (reports.length === 0) {
    print('no runs yet');
    return;
  }
  printTable(
    ['run', 'policy', 'mode', 'status', 'started', 'time', 'rows', 'why'],
    reports.map((report) => [
      String(report.run),
      report.policy,
      report.mode,
      formatStatus(toPrinted(report)),
      report.startedAt,
      formatMillis(report.millis),
      report.rows,
      shorten(report.reasons[0] ?? ''),
    ]),
  );
  if (reports.some(({ status }) => status === 'running')) print(OPEN_RUN);
  printLastCompleted(reports);
}

/** Prints how long ago the last run of each policy completed, of those that are listed. */
function printLastCompleted(reports: readonly LedgerReport[]): void {
  const executed = reports.filter(({ mode }) => mode === 'execute');
  if (executed.length > 0) print('');
  for (const [policy, runs] of Map.groupBy(executed, (report) => report.policy)) {
    const last = runs.find(({ status }) => status === 'completed');
    if (last?.endedAt === undefined || last.endedAt === null) {
      print(`policy ${policy}: none of these runs completed`);
    } else {
      const ago = formatMillis(Math.max(0, Date.now() - Date.parse(last.endedAt)));
      print(`policy ${policy}: run ${last.run} completed ${ago} ago`);
    }
  }
}

function printRun(report: LedgerReport | undefined, run: number, { json, details }: HistoryFlags): void {
  if (report === undefined) {
    throw new ValidationError('command', [
      {
        at: 'RUN',
        what: `the ledger has no run ${run}`,
        fix: 'Name one that `temporal-vacuum history` lists',
      },
    ]);
  }
  if (json) printJson([toPrinted(report)]);
  else printReport(toPrinted(report), details);
}
