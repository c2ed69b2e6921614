import type { WorkflowHandle } from '@temporalio/client';

import type { RunReport } from '../activities/contract.ts';
import type { Preview } from '../activities/inspect/preview.ts';
import { previewPolicy } from '../activities/inspect/preview.ts';
import type { Stats } from '../activities/inspect/stats.ts';
import { readStats } from '../activities/inspect/stats.ts';
import type { TableRange } from '../activities/inspect/table-ranges.ts';
import { readTableRanges } from '../activities/inspect/table-ranges.ts';
import type { Database, DatabaseSource } from '../activities/ledger/database.ts';
import { openDatabase } from '../activities/ledger/database.ts';
import { readReport } from '../activities/ledger/reports.ts';
import { checkAgainst } from '../activities/plan/resolve-policy.ts';
import type { LedgerReport } from '../activities/stored/report.ts';
import type { Policy } from '../policy/policy.ts';
import { checkOptions } from './check-options.ts';
import { TASK_QUEUE } from './config.ts';
import { selectPassesWith } from './find-mistakes.ts';
import { cancelRun, runOnce } from './run-once.ts';
import { previewAndStore } from './store-preview.ts';

/** The database and the ledger that a function works with. */
export interface PolicyDatabase {
  /** The database of the policy. A database that is passed open stays open. */
  readonly database: DatabaseSource;
  /** Default: `vacuum`. */
  readonly ledgerSchema?: string;
}

/** The options of {@link stats}. */
export interface StatsOptions extends PolicyDatabase {
  /** Measure bloat with `pgstattuple_approx` if the database has it. This reads the tables. Default: false. */
  readonly exact?: boolean;
  /** Cancels the work, and its statements on the server. */
  readonly signal?: AbortSignal;
}

/** The result of {@link stats}. */
export interface PolicyStats extends Stats {
  /** Row count, oldest and newest row of each table that a pass deletes from. */
  readonly ranges: readonly TableRange[];
}

/** The options of {@link preview}. */
export interface PreviewOptions extends PolicyDatabase {
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /**
   * Keep the counts in the ledger, if there is one that the role may write. For a day, a run of the same settings may
   * delete what the guard of `limits.maxPercent` would stop. Default: false.
   */
  readonly keep?: boolean;
  /** Cancels the work, and its statements on the server. */
  readonly signal?: AbortSignal;
}

/** The result of {@link preview}. */
export interface PolicyPreview extends Preview {
  /** Why the ledger does not have the counts. Null if it has them, or if `keep` was not set. */
  readonly notKept: string | null;
}

/** The options of {@link execute}. */
export interface ExecuteOptions extends PolicyDatabase {
  /** `dev` starts a Temporal dev server for the run. */
  readonly temporal: 'dev' | { readonly address?: string; readonly namespace?: string };
  /** Only these passes. Default: all. */
  readonly passes?: readonly string[];
  /** What to do if another run of the policy is open. Default: `skip`. */
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  /** The percent of a table that the run may delete, if it is more than the policy's `limits.maxPercent`. */
  readonly allowPercent?: number;
  /** Ends the run after its current batch. */
  readonly signal?: AbortSignal;
}

/**
 * Returns sizes, dead rows and bloat of the tables of a policy. For each table that a pass deletes from, it also returns
 * the number of rows, the oldest and the newest. Reads these tables completely. Needs neither Temporal nor a ledger.
 */
export async function stats(policy: Policy, options: StatsOptions): Promise<PolicyStats> {
  checkOptions('stats', options, 'options of stats');
  return withOpenDatabase(options, async (database) => ({
    ...(await readStats(database, policy, options.exact ?? false, options.signal)),
    ranges: await readTableRanges(database.session, policy, options.signal),
  }));
}

/**
 * Counts what a run would delete now, by pass and by table, cascades included, in one read-only snapshot. Returns the
 * age of the oldest and the newest of these rows and an estimate of their bytes. Throws a `ValidationError` if the policy
 * does not fit the database or a pass does not exist.
 */
export async function preview(policy: Policy, options: PreviewOptions): Promise<PolicyPreview> {
  checkOptions('preview', options, 'options of preview');
  const { keep = false, signal } = options;
  const request = options.passes === undefined ? {} : { passes: options.passes };
  const passes = await selectPassesWith(policy, request, async (work) => withOpenDatabase(options, work));
  return withOpenDatabase(options, async (database) => {
    if (!keep) return { ...(await previewPolicy(database, policy, passes, signal)), notKept: null };
    const { preview: counted, notStored } = await previewAndStore(database, policy, passes, signal);
    return { ...counted, notKept: notStored === undefined ? null : `not kept in the ledger, ${notStored}` };
  });
}

/**
 * Runs an enabled policy once, with a worker in this process, and returns the report of the ledger. The report has
 * `run: null` if the policy is disabled or another run is open, and status `stopped` if a guard stopped the run. Throws a
 * `ValidationError` if the policy does not fit the database or a pass does not exist, and an error if the run cannot begin.
 */
export async function execute(policy: Policy, options: ExecuteOptions): Promise<LedgerReport | RunReport> {
  checkOptions('execute', options, 'options of execute');
  const { temporal, passes, ifBusy, allowPercent, signal, ledgerSchema } = options;
  const request = passes === undefined ? {} : { passes };
  const names = await selectPassesWith(policy, request, async (work) => withOpenDatabase(options, work));
  return withOpenDatabase(options, async (database) => {
    await checkAgainst(database.session, policy, names, 'execute');
    const setup = {
      databases: { [policy.database ?? 'main']: options.database },
      policies: [policy],
      taskQueue: TASK_QUEUE,
      ledgerSchema,
      displayName: 'the database',
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
    // A run that did not begin may have created no ledger.
    const began = (await database.ledger.version()) === 'current';
    const run = began ? await database.session.ledger.runs.findLastOf(started?.workflowId ?? '') : undefined;
    const report = run === undefined ? undefined : await readReport(database.ledger, run);
    if (report !== undefined) return report;
    if ('report' in outcome) return outcome.report;
    if ('failure' in outcome) throw outcome.failure;
    throw new Error(`the run was ${outcome.ended} before it began`);
  });
}

async function withOpenDatabase<T>(
  { database, ledgerSchema }: PolicyDatabase,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const open = await openDatabase(database, ledgerSchema);
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}
