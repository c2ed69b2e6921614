import type { Command } from 'commander';

import type { Ledger } from '../../activities/ledger/ledger.ts';
import { readHistory, readReport } from '../../activities/ledger/reports.ts';
import { findOpenRun } from '../../activities/ledger/runs.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { RunState } from '../run-state.ts';
import type { Setup } from '../setup.ts';
import { findPastSetup } from '../setup.ts';
import { TemporalUnreachable } from '../temporal-unreachable.ts';
import type { TemporalOptions } from '../temporal.ts';
import type { WaitingRun } from '../waiting-runs.ts';
import type { DatabaseFlags } from './options.ts';
import {
  databaseName,
  toNumber,
  withDetails,
  withJson,
  withPolicyOption,
  withSetup,
  withTemporal,
} from './options.ts';
import { formatMinute, print, printJson, printTable, formatMillis } from './output.ts';
import { withPastDatabase } from './past-database.ts';
import { formatState, printReport, shorten, toPrinted } from './print-report.ts';

interface HistoryFlags extends DatabaseFlags, TemporalOptions {
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
  withJson(withDetails(withTemporal(withSetup(withPolicyOption(command, 'only runs of this policy')))));
}

async function history(run: number | undefined, flags: HistoryFlags): Promise<void> {
  const past = await findPastSetup(flags, flags.policy);
  const { reports, open } = await withPastDatabase(past, flags.database, async ({ ledger }) => {
    const found = await readReports(ledger, run, flags);
    return { reports: found, open: await findWorkflows(ledger, found) };
  });
  const isList = run === undefined && !flags.json;
  const { states, waiting } = await askTemporal(open, isList, past.setup, flags);
  if (run === undefined) printRuns(reports, states, waiting, flags);
  else printRun(reports[0], states, run, flags);
}

async function readReports(
  ledger: Ledger,
  run: number | undefined,
  { policy, limit }: HistoryFlags,
): Promise<LedgerReport[]> {
  const version = await ledger.version();
  if (version === 'missing') return [];
  // Says what to grant.
  if (version === 'closed') await ledger.migrate();
  if (run === undefined) return readHistory(ledger, { ...(policy === undefined ? {} : { policy }), limit });
  const report = await readReport(ledger, run);
  return report === undefined ? [] : [report];
}

/** The workflow of each open run, by the number of the run. */
async function findWorkflows(ledger: Ledger, reports: readonly LedgerReport[]): Promise<Map<number, string>> {
  const policies = new Set(reports.filter(({ endedAt }) => endedAt === null).map(({ policy }) => policy));
  const open = await Promise.all([...policies].map(async (policy) => findOpenRun(ledger, policy)));
  return new Map(open.flatMap((run) => (run === undefined ? [] : [[run.id, run.workflowId]])));
}

type RunStates = ReadonlyMap<number, RunState>;

/** What the ledger does not know of runs. */
interface OpenStates {
  readonly states: RunStates;
  /** Runs that have not begun. */
  readonly waiting: readonly WaitingRun[];
}

/** Without an open run Temporal only adds to what the ledger knows: nobody waits long for that. */
const HINT_TIMEOUT = '2s';

/**
 * Asks Temporal how the open runs stand and, for the list of runs, which ones wait to begin. What is wrong with Temporal is
 * told of an open run only.
 */
async function askTemporal(
  open: ReadonlyMap<number, string>,
  isList: boolean,
  { taskQueue, policies }: Setup,
  flags: TemporalOptions,
): Promise<OpenStates> {
  if (open.size === 0 && !isList) return { states: new Map(), waiting: [] };
  const { connectClient } = await import('../temporal.ts');
  const { describeNoTemporal, readRunState } = await import('../run-state.ts');
  const { findWaitingRuns } = await import('../waiting-runs.ts');
  try {
    const temporal = await connectClient(flags, open.size === 0 ? HINT_TIMEOUT : undefined);
    try {
      const states = [...open].map(
        async ([run, workflowId]) => [run, await readRunState(temporal.client, workflowId)] as const,
      );
      const waiting = isList ? await findWaitingRuns(temporal.client, { taskQueue, policies }) : [];
      return { states: new Map(await Promise.all(states)), waiting };
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (open.size === 0) return { states: new Map(), waiting: [] };
    if (!(error instanceof TemporalUnreachable)) throw error;
    const state = describeNoTemporal(error.message);
    return { states: new Map([...open.keys()].map((run) => [run, state])), waiting: [] };
  }
}

/** The output of `--json`: a run with its state, which the page shows too. */
function toPrintedWithState(report: LedgerReport, states: RunStates): object {
  const now = states.get(report.run ?? 0);
  return { ...toPrinted(report), state: now?.state ?? report.status, stateReason: now?.reason ?? null };
}

function printRuns(
  reports: readonly LedgerReport[],
  states: RunStates,
  waiting: readonly WaitingRun[],
  { json, policy: only }: HistoryFlags,
): void {
  if (json) {
    printJson(reports.map((report) => toPrintedWithState(report, states)));
    return;
  }
  if (reports.length === 0) {
    print('no runs yet');
    printWaiting(waiting, only);
    return;
  }
  printTable(
    ['run', 'policy', 'mode', 'status', 'started (UTC)', 'time', 'rows', 'why'],
    reports.map((report) => {
      const now = states.get(report.run ?? 0);
      return [
        String(report.run),
        report.policy,
        report.mode,
        formatState(now?.state ?? report.status),
        formatMinute(report.startedAt),
        formatMillis(report.millis),
        report.rows,
        shorten(now?.reason ?? report.reasons[0] ?? ''),
      ];
    }),
  );
  printLastCompleted(reports);
  printWaiting(waiting, only);
}

/** Prints runs that have not begun: they have no number and are in no ledger. */
function printWaiting(waiting: readonly WaitingRun[], only: string | undefined): void {
  for (const { workflowId, policy, reason } of waiting) {
    if (only !== undefined && policy !== null && policy !== only) continue;
    const of = policy === null ? 'a policy' : `policy ${policy}`;
    print(`${of}: workflow ${workflowId} waits to begin: ${reason}`);
  }
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

function printRun(
  report: LedgerReport | undefined,
  states: RunStates,
  run: number,
  { json, details }: HistoryFlags,
): void {
  if (report === undefined) {
    throw new ValidationError('command', [
      {
        at: 'RUN',
        what: `the ledger has no run ${run}`,
        fix: 'Name one that `temporal-vacuum history` lists',
      },
    ]);
  }
  if (json) printJson([toPrintedWithState(report, states)]);
  else printReport(toPrinted(report), details, states.get(run));
}
