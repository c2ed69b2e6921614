import type { PassKind } from '../policy/pass.ts';
import type { PassBacklog } from './backlog/backlog.ts';
import type { ReportedRows, Strategy } from './passes/pass.ts';
import type { ShardProgress } from './stored/progress.ts';

export type { ReportedRows };

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
  /** What to do where another run of the policy is open. Default `skip`. */
  readonly ifBusy?: 'skip' | 'wait' | 'fail';
  /** The most rows that this run deletes, no more than the policy's `maxRows`. Default: the policy's. */
  readonly maxRows?: number;
  /** How long this run may take, no longer than the policy's `maxDuration`. Default: the policy's. */
  readonly maxDuration?: string | number;
}

/** Whether a run deletes or counts. */
export type RunMode = 'execute' | 'preview';

/** How a run stands or ended. */
export type RunStatus =
  /** Under way. */
  | 'running'
  /** Every pass is done. */
  | 'completed'
  /** A pass failed; what was committed before is in the ledger. */
  | 'failed'
  /** Ended by the signal `stop` or by a limit after the batch under way, or by a guard before the first one. */
  | 'stopped'
  /** Ended by cancelling the workflow, after the batch under way. */
  | 'cancelled'
  /** Its workflow was ended from outside; closed by the run that took its place. */
  | 'terminated'
  /** Another run of the policy was open; nothing was done. */
  | 'skipped'
  /** The policy is not enabled; nothing was done. */
  | 'disabled';

/** How a pass of a run stands or ended. */
export type PassStatus =
  /** Not begun. */
  | 'planned'
  | 'running'
  | 'completed'
  | 'failed'
  /** Left out because a pass that it depends on failed. */
  | 'skipped'
  /** Begun and not finished when the run ended. */
  | 'unfinished'
  /** Counted without deleting. */
  | 'previewed'
  /** The database has not the tables that the pass is for. */
  | 'not-applicable';

/** What a run will do: fixed when it begins. */
export interface Plan {
  readonly run: number;
  readonly policy: string;
  /** The worker's name for the database. */
  readonly database: string;
  readonly passes: readonly PlannedPass[];
  /** ISO 8601. */
  readonly startedAt: string;
  /** The most seconds of work in one slice. */
  readonly sliceSeconds: number;
  /** When it ends whatever it does; left out where no limit says so. */
  readonly end?: RunEnd;
}

/** When a run ends by a limit. */
export interface RunEnd {
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
}

/** A pass as the workflow knows it: names and numbers. */
export interface PlannedPass {
  readonly name: string;
  readonly kind: PassKind;
  /** Null where nothing is walked. */
  readonly strategy: Strategy | null;
  readonly shards: number;
  /** The database has not the tables that it is for. */
  readonly notApplicable?: true;
  /** Rows of its own table that are expected to go, from a sample. */
  readonly estimate: number;
  readonly dependsOn: readonly string[];
  /** Deleting makes more rows eligible, so that the walk is repeated until it finds none. */
  readonly repeats: boolean;
  /** The most seconds that one step can take, where that is more than a slice. */
  readonly stepSeconds?: number;
}

/** Another run of the policy. */
export interface Holder {
  readonly run: number;
  readonly workflowId: string;
}

/** What beginning a run came to. */
export type Beginning =
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
  /** The most seconds of work, where that is less than the plan's: the first slices of a shard answer soon. */
  readonly seconds?: number;
}

/** A limit that a run has reached. */
export interface LimitReached {
  /** Which, and the number that reached it. */
  readonly reason: string;
  /** When the run may go on, ISO 8601; null where it is to end. */
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

/** How a run ended, for the ledger. */
export interface Ending {
  readonly run: number;
  readonly database: string;
  readonly status: RunStatus;
  readonly passes: readonly { readonly status: PassStatus; readonly error?: string }[];
  readonly reasons: readonly string[];
  readonly longestMillis: number;
}

/** What came of a run: the workflow's result. Rows per table are in the ledger. */
export interface RunReport {
  /** The number of the run in the ledger; null where none was begun. */
  readonly run: number | null;
  /** Where none was begun, the last run that the schedule knows of; 0 where it knows none. */
  readonly lastRun?: number;
  readonly policy: string;
  readonly mode: RunMode;
  readonly status: RunStatus;
  /** ISO 8601, by the database's clock. */
  readonly startedAt: string;
  /** Null while it is open. */
  readonly endedAt: string | null;
  /** From begin to end, waiting and pauses included. */
  readonly millis: number;
  /** Rows deleted in all tables, cascades included. */
  readonly rows: number;
  /**
   * Bytes given back to the disk: what all tables, indexes and TOAST of the run were smaller at its end than at its
   * begin. Negative where they grew; null where that was not measured.
   */
  readonly bytes: number | null;
  /** Files removed. */
  readonly files: number;
  /** Bytes of the files removed. */
  readonly spaceReclaimed: number;
  readonly longestTransactionMillis: number | null;
  readonly passes: readonly PassReport[];
  readonly reasons: readonly string[];
  /** What is worth knowing and no failure: tables left out, sizes not known. Which tables is in the ledger. */
  readonly notes: readonly string[];
  readonly holder?: Holder;
}

/** What came of a pass. `rows` are of all tables, `millis` from the begin of its first batch to the end of its last. */
export interface PassReport {
  readonly name: string;
  readonly kind: PassKind;
  readonly status: PassStatus;
  readonly strategy: Strategy | null;
  readonly shards: number;
  readonly batches: number;
  readonly rows: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** Rows that qualified and stay because somebody else held them. */
  readonly skipped: number;
  /** Rows that qualified and stay because of a hold. */
  readonly held: number;
  /** What it found and left; null where the pass reports nothing. */
  readonly reported: ReportedRows | null;
  /** Bytes given back to the disk, by tables or files; negative where tables grew meanwhile. */
  readonly bytes: number;
  /** Null for kinds that remove nothing, in previews, and where it was not measured. */
  readonly backlog: PassBacklog | null;
  /** Files removed, or that would be. */
  readonly files: number;
  readonly millis: number;
  readonly error: string | null;
}

/** The activities, by the names under which workers register them. */
export interface VacuumActivities {
  /** `lastReport` is what the schedule's last run came to, if Temporal knows. */
  'vacuum.beginRun'(input: unknown, firstRunId: string, lastReport?: unknown): Promise<Beginning>;
  'vacuum.previewRun'(input: unknown, firstRunId: string): Promise<RunReport>;
  'vacuum.runSlice'(request: SliceRequest): Promise<SliceResult>;
  'vacuum.finishRun'(ending: Ending): Promise<RunReport>;
}
