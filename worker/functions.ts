import type { RunReport } from '../activities/contract.ts';
import type { Database, DatabaseSource } from '../activities/database/database.ts';
import { openDatabase } from '../activities/database/database.ts';
import type { TableRange } from '../activities/doctor/ranges.ts';
import { readRanges } from '../activities/doctor/ranges.ts';
import type { Stats } from '../activities/doctor/stats.ts';
import { readStats } from '../activities/doctor/stats.ts';
import type { LedgerReport } from '../activities/ledger/reports.ts';
import { findRunOfWorkflow, readReport } from '../activities/ledger/reports.ts';
import { checkAgainst } from '../activities/plan/resolve.ts';
import type { Preview } from '../activities/preview/preview.ts';
import { previewPolicy } from '../activities/preview/preview.ts';
import { checkPolicy } from '../policy/check.ts';
import { refuseMistakes } from '../policy/mistake.ts';
import type { Policy } from '../policy/policy.ts';
import { TASK_QUEUE } from './config.ts';
import { cancelRun, runOnce } from './run-once.ts';

/** Where a function works. */
export interface PolicyPlace {
  /** The database of the policy. One that is given open stays open. */
  readonly database: DatabaseSource;
  /** Default: `vacuum`. */
  readonly ledgerSchema?: string;
}

/** What {@link stats} can be told. */
export interface StatsOptions extends PolicyPlace {
  /** Measure bloat with `pgstattuple_approx` where the database has it, which reads tables. Default: false. */
  readonly exact?: boolean;
  /** Ends the work, on the server too. */
  readonly signal?: AbortSignal;
}

/** The tables of a policy. */
export interface PolicyStats extends Stats {
  /** How many rows each table has that a pass walks, and from when to when they are. */
  readonly ranges: readonly TableRange[];
}

/** What {@link preview} can be told. */
export interface PreviewOptions extends PolicyPlace {
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /** Ends the work, on the server too. */
  readonly signal?: AbortSignal;
}

/** What {@link execute} can be told. */
export interface ExecuteOptions extends PolicyPlace {
  /** `dev` brings up a Temporal dev server for the time of the run. */
  readonly temporal: 'dev' | { readonly address?: string; readonly namespace?: string };
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /** What to do where another run of the policy is open. Default: `skip`. */
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal;
}

/**
 * Sizes, dead rows and bloat of the tables of a policy, with the number of rows and the oldest and newest of each that a
 * pass walks. Reads those tables whole; changes nothing and needs neither Temporal nor a ledger.
 */
export async function stats(policy: Policy, options: StatsOptions): Promise<PolicyStats> {
  return on(options, async (database) => ({
    ...(await readStats(database, policy, options.exact ?? false, options.signal)),
    ranges: await readRanges(database.db, policy, options.signal),
  }));
}

/**
 * What a run would delete now, pass by pass and table by table, cascades included, in one read-only snapshot: with when
 * the oldest and the newest of these rows are of, and how many bytes they take by estimate. Throws a `MistakesError`
 * where the policy does not fit the database.
 */
export async function preview(policy: Policy, options: PreviewOptions): Promise<Preview> {
  const passes = options.passes ?? policy.passes.map(({ name }) => name);
  return on(options, async (database) => previewPolicy(database, policy, passes, options.signal));
}

/**
 * Runs an enabled policy once, with a worker inside this process, and answers the report of the ledger. A run that was
 * not begun, since another is open or the policy is not enabled, has `run: null`. Throws a `MistakesError` where policy and
 * database do not fit, and an error where the run could not begin.
 */
export async function execute(policy: Policy, options: ExecuteOptions): Promise<LedgerReport | RunReport> {
  const { temporal, passes, ifBusy, signal, ledgerSchema } = options;
  refuseMistakes(`policy ${JSON.stringify(policy.name)}`, checkPolicy(policy));
  return on(options, async (database) => {
    await checkAgainst(database.db, policy, passes ?? policy.passes.map(({ name }) => name), 'execute');
    const setup = {
      databases: { [policy.database ?? 'main']: options.database },
      policies: [policy],
      taskQueue: TASK_QUEUE,
      ledgerSchema,
      said: 'the database',
    };
    const input = {
      policy: policy.name,
      ...(passes === undefined ? {} : { passes }),
      ...(ifBusy === undefined ? {} : { ifBusy }),
    };
    let workflowId = '';
    const outcome = await runOnce({
      setup,
      database,
      input,
      temporal,
      onStarted: (handle) => {
        ({ workflowId } = handle);
        const cancel = (): void => void cancelRun(handle);
        if (signal?.aborted === true) cancel();
        signal?.addEventListener('abort', cancel, { once: true });
      },
    });
    const run = await findRunOfWorkflow(database.ledger, workflowId);
    const report = run === undefined ? undefined : await readReport(database.ledger, run);
    if (report !== undefined) return report;
    if ('report' in outcome) return outcome.report;
    if ('failure' in outcome) throw outcome.failure;
    throw new Error(`the run was ${outcome.ended} before it began`);
  });
}

async function on<T>(
  { database, ledgerSchema }: PolicyPlace,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const open = await openDatabase(database, ledgerSchema);
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}
