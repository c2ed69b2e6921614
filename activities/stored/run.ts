import type { PassKind } from '../../policy/pass.ts';
import type { Window } from '../../policy/window.ts';
import type { Backlog } from './backlog.ts';
import type { StoredPass } from './pass.ts';
import type { PassPlan, Scan } from './scan.ts';

/** Whether a run deletes or counts. */
export type RunMode = 'execute' | 'preview';

/** How a run stands or ended. */
export type RunStatus =
  /** Not ended. */
  | 'running'
  /** Every pass is done. */
  | 'completed'
  /** A pass failed; what was committed before is in the ledger. */
  | 'failed'
  /** Ended by the signal `stop` or by a limit, after a batch. */
  | 'stopped'
  /** Ended by a guard, before anything was deleted. */
  | 'stopped-by-guard'
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
  /** Not started. */
  | 'planned'
  | 'running'
  | 'completed'
  | 'failed'
  /** Left out because a pass that it depends on failed. */
  | 'skipped'
  /** Started and not finished when the run ended. */
  | 'unfinished'
  /** Counted without deleting. */
  | 'previewed'
  /** The database lacks the tables that the pass is for. */
  | 'not-applicable';

/** What a run will do: fixed when it starts. */
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
  /** When it ends whatever it does; left out if no limit says so. */
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
  /** Null if nothing is scanned. */
  readonly scan: Scan | null;
  readonly shards: number;
  /** The database lacks the tables that it is for. */
  readonly notApplicable?: true;
  /** Rows of its own table that it is expected to delete, from a sample. */
  readonly estimate: number;
  readonly dependsOn: readonly string[];
  /** Deleting makes more rows deletable: the scan is repeated until it finds none. */
  readonly repeats: boolean;
  /** The most seconds that one step can take, if that is more than a slice. */
  readonly stepSeconds?: number;
}

/** Another run of the policy. */
export interface Holder {
  readonly run: number;
  readonly workflowId: string;
}

/** A pass to start a run with. */
export interface RunPass {
  readonly name: string;
  readonly kind: PassKind;
  /** Null if the pass is not applicable to the database. */
  readonly stored: StoredPass | null;
  readonly plan: PassPlan;
  /** What decides which rows the pass deletes: see `hashSettings`. Null if the pass is not applicable. */
  readonly settingsHash: string | null;
  /** The backlog by the plan's sample, and whether its age is known; left out if the plan did not measure it. */
  readonly before?: { readonly backlog: Backlog; readonly aged: boolean };
}

/** The workflow that a run belongs to. */
export interface RunOwner {
  readonly workflowId: string;
  /** First run id of its chain, which stays the same over continue-as-new. */
  readonly firstRunId: string;
  /** Cluster and namespace. */
  readonly temporal: string;
}

/** The settings that slices work by, as stored. */
export interface RunSettings {
  readonly plan: Omit<Plan, 'run' | 'startedAt'>;
  /** The most rows of one batch; null for as many as the target duration allows. */
  readonly maxRows: number | null;
  readonly targetMillis: number;
  readonly pauseMillis: number;
  readonly sliceSeconds: number;
  readonly sliceBatches: number | null;
  readonly limits: StoredLimits;
}

/** How much a run may do and when, as stored. */
export interface StoredLimits {
  readonly maxRows: number | null;
  readonly maxMillis: number | null;
  readonly window: Window | null;
  readonly whenClosed: 'wait' | 'stop';
}

export interface OpenRun extends RunOwner {
  readonly id: number;
  readonly policy: string;
  readonly settings: RunSettings;
  readonly startedAt: string;
}

/** A pass of an open run, as it was stored. */
export interface OpenPass {
  readonly name: string;
  readonly stored: StoredPass;
  readonly shards: PassPlan['shards'];
}

/** A pass of an open run whose backlog was not measured yet. */
export interface UnmeasuredPass {
  readonly ordinal: number;
  readonly name: string;
  readonly stored: StoredPass;
  /** Milliseconds since the run started. */
  readonly millis: number;
}
