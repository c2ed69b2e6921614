import type { WorkflowHandle } from '@temporalio/client';

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
import type { Policy } from '../policy/policy.ts';
import { TASK_QUEUE } from './config.ts';
import { cancelRun, runOnce } from './run-once.ts';
import { selectPasses } from './select-passes.ts';
import { previewAndStore } from './store-preview.ts';

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
  /** How many rows each table has that a pass deletes from, and from when to when they are. */
  readonly ranges: readonly TableRange[];
}

/** What {@link preview} can be told. */
export interface PreviewOptions extends PolicyPlace {
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /**
   * Keep the counts in the ledger, if there is one that the role may write: for a day they let a run of the same settings
   * go ahead where the guard of `limits.maxPercent` would stop it. Default: false.
   */
  readonly keep?: boolean;
  /** Ends the work, on the server too. */
  readonly signal?: AbortSignal;
}

/** What {@link preview} answers. */
export interface PolicyPreview extends Preview {
  /** Why the ledger does not have the counts that were to be kept; null where it has them, or nobody asked. */
  readonly notKept: string | null;
}

/** What {@link execute} can be told. */
export interface ExecuteOptions extends PolicyPlace {
  /** `dev` brings up a Temporal dev server for the time of the run. */
  readonly temporal: 'dev' | { readonly address?: string; readonly namespace?: string };
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /** What to do where another run of the policy is open. Default: `skip`. */
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  /** Delete so much of a table where the policy's `limits.maxPercent` allows less, in percent. Default: the policy's. */
  readonly allowPercent?: number;
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal;
}

/**
 * Sizes, dead rows and bloat of the tables of a policy, with the number of rows and the oldest and newest of each that a
 * pass deletes from. Reads those tables whole; changes nothing and needs neither Temporal nor a ledger.
 */
export async function stats(policy: Policy, options: StatsOptions): Promise<PolicyStats> {
  return on(options, async (database) => ({
    ...(await readStats(database, policy, options.exact ?? false, options.signal)),
    ranges: await readRanges(database.db, policy, options.signal),
  }));
}

/**
 * What a run would delete now, pass by pass and table by table, cascades included, in one read-only snapshot: with when
 * the oldest and the newest of these rows are of, and how many bytes they take by estimate. Throws a `ValidationError`
 * where the policy does not fit the database or has no pass of a name.
 */
export async function preview(policy: Policy, options: PreviewOptions): Promise<PolicyPreview> {
  const { keep = false, signal } = options;
  const passes = selectPasses(policy, options.passes === undefined ? {} : { passes: options.passes });
  return on(options, async (database) => {
    if (!keep) return { ...(await previewPolicy(database, policy, passes, signal)), notKept: null };
    const { preview: counted, notStored } = await previewAndStore(database, policy, passes, signal);
    return { ...counted, notKept: notStored === undefined ? null : `not kept in the ledger, ${notStored}` };
  });
}

/**
 * Runs an enabled policy once, with a worker inside this process, and answers the report of the ledger. A run that was
 * not begun, since another is open or the policy is not enabled, has `run: null`. Throws a `ValidationError` where policy and
 * database do not fit or a pass is not there, and an error where the run could not begin. One that a guard stops answers `stopped`.
 */
export async function execute(policy: Policy, options: ExecuteOptions): Promise<LedgerReport | RunReport> {
  const { temporal, passes, ifBusy, allowPercent, signal, ledgerSchema } = options;
  const names = selectPasses(policy, passes === undefined ? {} : { passes });
  return on(options, async (database) => {
    await checkAgainst(database.db, policy, names, 'execute');
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
    let started: WorkflowHandle | undefined;
    const cancel = (): void => {
      if (started !== undefined) void cancelRun(started);
    };
    signal?.addEventListener('abort', cancel);
    const outcome = await runOnce({
      setup,
      database,
      input,
      allowPercent,
      temporal,
      onStarted: (handle) => {
        started = handle;
        if (signal?.aborted === true) cancel();
      },
    }).finally(() => signal?.removeEventListener('abort', cancel));
    // Nothing has made a ledger where nothing was begun.
    const began = (await database.ledger.version()) === 'current';
    const run = began ? await findRunOfWorkflow(database.ledger, started?.workflowId ?? '') : undefined;
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
