import type { z } from 'zod';

import { readHistory, readReport } from '../../activities/ledger/reports.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { Cached } from './cached.ts';
import type { ReadDatabases } from './databases.ts';
import type { Run, Runs } from './run-schemas.ts';
import type { Sources } from './sources.ts';

type RunSummary = z.infer<typeof Runs>['runs'][number];

/** The runs of the history to read. */
export interface RunQuery {
  readonly policy?: string | undefined;
  readonly database?: string | undefined;
  readonly limit: number;
}

const CACHE_MILLIS = 2_000;
/** The history takes some statements for each of at most a hundred runs, and the database may be far away. */
const HISTORY_TIMEOUT_MILLIS = 12_000;

/** Reads the history of all ledgers. */
interface RunReader {
  /** Returns the newest runs first. Runs of several databases are ordered by the clocks of their servers. */
  readonly runs: (query: RunQuery) => Promise<z.infer<typeof Runs>>;
  /** Returns a run. Undefined if the ledger has none with this number. */
  readonly run: (database: string, run: number) => Promise<z.infer<typeof Run> | undefined>;
}

export function createRunReader({ databases }: Sources): RunReader {
  const lists = new Cached<z.infer<typeof Runs>>(CACHE_MILLIS);
  const details = new Cached<z.infer<typeof Run> | undefined>(CACHE_MILLIS);
  return {
    runs: async (query) =>
      lists.get(JSON.stringify(query), async () => {
        const names = databases.names.filter(
          (name) => query.database === undefined || query.database === name,
        );
        const { found, missing } = await databases.readEach(names, async (name) =>
          readRuns(databases, name, query),
        );
        const runs = found.flat().toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
        return { at: new Date().toISOString(), missing, runs: runs.slice(0, query.limit) };
      }),
    run: async (database, run) =>
      details.get(JSON.stringify([database, run]), async () => {
        const report = await databases.readLedger(database, async (ledger) => readReport(ledger, run));
        return report === undefined ? undefined : describeRun(database, report);
      }),
  };
}

async function readRuns(
  databases: ReadDatabases,
  database: string,
  { policy, limit }: RunQuery,
): Promise<RunSummary[]> {
  const only = policy === undefined ? {} : { policy };
  const reports = await databases.readLedger(
    database,
    async (ledger) => readHistory(ledger, { ...only, limit }),
    HISTORY_TIMEOUT_MILLIS,
  );
  return (reports ?? []).map((report) => summarizeRun(database, report));
}

/** Returns the fields of a run that lists have. */
export function summarizeRun(database: string, report: LedgerReport): RunSummary {
  const { run, policy, mode, status, startedAt, endedAt, millis, rows, bytes, files, spaceReclaimed } =
    report;
  const times = { startedAt, endedAt, millis, reason: report.reasons[0] ?? null };
  return { database, run: run ?? 0, policy, mode, status, ...times, rows, bytes, files, spaceReclaimed };
}

/** Leaves out details of notes about sessions and servers, and only counts the results of the policy's own functions. */
function describeRun(database: string, report: LedgerReport): z.infer<typeof Run> {
  return {
    ...summarizeRun(database, report),
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
