import type { z } from 'zod';

import type { LedgerReport } from '../../activities/ledger/reports.ts';
import { readHistory, readReport } from '../../activities/ledger/reports.ts';
import type { Run, Runs } from './answers.ts';
import { Cached } from './cached.ts';
import type { ReadDatabases } from './databases.ts';
import type { Sources } from './sources.ts';

type RunSummary = z.infer<typeof Runs>['runs'][number];

/** Which runs of the history. */
export interface RunsOf {
  readonly policy?: string | undefined;
  readonly database?: string | undefined;
  readonly limit: number;
}

const KEEP_MILLIS = 2_000;
/** Some statements for each of a hundred runs, also where the database is far away. */
const HISTORY_WITHIN_MILLIS = 12_000;

/** Reads the history of all ledgers. */
export interface RunReader {
  /** The newest first. Runs of several databases are put in order by the clocks of these. */
  readonly runs: (of: RunsOf) => Promise<z.infer<typeof Runs>>;
  /** One run; undefined where the ledger has none of this number. */
  readonly run: (database: string, run: number) => Promise<z.infer<typeof Run> | undefined>;
}

export function runReader({ databases }: Sources): RunReader {
  const lists = new Cached<z.infer<typeof Runs>>(KEEP_MILLIS);
  const details = new Cached<z.infer<typeof Run> | undefined>(KEEP_MILLIS);
  return {
    runs: async (of) =>
      lists.get(JSON.stringify(of), async () => {
        const names = databases.names.filter((name) => of.database === undefined || of.database === name);
        const { found, missing } = await databases.each(names, async (name) => readRuns(databases, name, of));
        const runs = found.flat().toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
        return { at: new Date().toISOString(), missing, runs: runs.slice(0, of.limit) };
      }),
    run: async (database, run) =>
      details.get(JSON.stringify([database, run]), async () => {
        const report = await databases.readLedger(database, async (ledger) => readReport(ledger, run));
        return report === undefined ? undefined : runOf(database, report);
      }),
  };
}

async function readRuns(
  databases: ReadDatabases,
  database: string,
  { policy, limit }: RunsOf,
): Promise<RunSummary[]> {
  const only = policy === undefined ? {} : { policy };
  const reports = await databases.readLedger(
    database,
    async (ledger) => readHistory(ledger, { ...only, limit }),
    HISTORY_WITHIN_MILLIS,
  );
  return (reports ?? []).map((report) => summaryOf(database, report));
}

/** What lists say of a run. */
export function summaryOf(database: string, report: LedgerReport): RunSummary {
  const { run, policy, mode, status, startedAt, endedAt, millis, rows, bytes, files, spaceReclaimed } =
    report;
  const times = { startedAt, endedAt, millis };
  return { database, run: run ?? 0, policy, mode, status, ...times, rows, bytes, files, spaceReclaimed };
}

/** Notes without what they say of sessions and servers; what a policy's own functions answered is only counted. */
function runOf(database: string, report: LedgerReport): z.infer<typeof Run> {
  return {
    ...summaryOf(database, report),
    longestTransactionMillis: report.longestTransactionMillis,
    reasons: [...report.reasons],
    notes: [...new Set(report.notes.map(({ what }) => what))],
    deleted: report.deleted,
    sizes: [...report.sizes],
    passes: report.passes.map(({ reported, ...pass }) => ({
      ...pass,
      reported: reported === null ? null : { found: reported.found, resolved: reported.resolved },
    })),
  };
}
