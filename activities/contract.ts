import type { ShardProgress } from './stored/progress.ts';
import type { ReportedRows, RunReport } from './stored/report.ts';
import type { Holder, PassStatus, Plan, RunMode, RunStatus } from './stored/run.ts';

export type { PassReport, ReportedRows, RunReport } from './stored/report.ts';
export type { Holder, PassStatus, Plan, PlannedPass, RunEnd, RunMode, RunStatus } from './stored/run.ts';

/*
 * What crosses between workflow, activities and those who start them: plain JSON with names and numbers. No SQL, no
 * table name, no predicate, no URL and no row content; a cursor is the number of a batch in the ledger.
 */

/** The input of workflow `vacuum`. Everything may be left out; `undefined`, `null` and `{}` are the same. */
export interface VacuumInput {
  /** Which policy. Default: the only one that the worker has. */
  readonly policy?: string;
  /** Default `execute`. */
  readonly mode?: RunMode;
  /** Only these passes, in the policy's order. Default: all. */
  readonly passes?: readonly string[];
  /** What to do if another run of the policy is open. Default `skip`. */
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  /** The most rows that this run deletes, no more than the policy's `maxRows`. Default: the policy's. */
  readonly maxRows?: number;
  /** How long this run may take, no longer than the policy's `maxDuration`. Default: the policy's. */
  readonly maxDuration?: string | number;
}

export type BeginRunResult =
  | { readonly outcome: 'planned'; readonly plan: Plan }
  | { readonly outcome: 'busy'; readonly holder: Holder; readonly report: RunReport }
  | {
      readonly outcome: 'early';
      readonly limit: LimitReached & { readonly until: string };
      readonly report: RunReport;
    }
  | { readonly outcome: 'ended'; readonly report: RunReport };

/** Which slice: one shard of one pass in one round. */
export interface SliceRequest {
  readonly run: number;
  readonly policy: string;
  readonly database: string;
  /** The number of the pass in the plan. */
  readonly pass: number;
  readonly shard: number;
  readonly round: number;
  /** The most seconds of work, if that is less than the plan's: the first slices of a shard return soon. */
  readonly seconds?: number;
}

/** A limit that a run has reached. */
export interface LimitReached {
  /** Which, and the number that reached it. */
  readonly reason: string;
  /** When the run may go on, ISO 8601; null if it is to end. */
  readonly until: string | null;
}

/** Where a slice ended. All counts are the ledger's for this shard and round, so that no retry counts twice. */
export interface SliceResult {
  readonly done: boolean;
  readonly batches: number;
  readonly rows: number;
  readonly skipped: number;
  /** What was found and left; null if the pass reports nothing. */
  readonly reported: ReportedRows | null;
  readonly progress: ShardProgress;
  /** The longest transaction of this slice, with its commit. */
  readonly longestMillis: number;
  /** Why it ended before its budget was used up, if a limit did that. */
  readonly limit?: LimitReached;
}

/** How a run ends, for the ledger. */
export interface FinishRunRequest {
  readonly run: number;
  readonly database: string;
  readonly status: RunStatus;
  readonly passes: readonly { readonly status: PassStatus; readonly error?: string }[];
  readonly reasons: readonly string[];
  readonly longestMillis: number;
}

/** The activities, by the names under which workers register them. */
export interface VacuumActivities {
  /** `lastReport` is the report of the schedule's last run, if Temporal has one. */
  'vacuum.beginRun'(input: unknown, firstRunId: string, lastReport?: unknown): Promise<BeginRunResult>;
  'vacuum.previewRun'(input: unknown, firstRunId: string): Promise<RunReport>;
  'vacuum.runSlice'(request: SliceRequest): Promise<SliceResult>;
  'vacuum.finishRun'(request: FinishRunRequest): Promise<RunReport>;
}
