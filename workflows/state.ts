import type { PassStatus, Plan, PlannedPass, ReportedRows, SliceResult } from '../activities/contract.ts';
import type { ShardProgress } from '../activities/stored/progress.ts';

/** How a run stands. Plain JSON: it is what continue-as-new carries. */
export interface RunState {
  readonly plan: Plan;
  readonly passes: PassState[];
  /** The number of the pass under way. */
  pass: number;
  longestMillis: number;
  paused: boolean;
  pauseReason?: string | undefined;
  /** When the last batch that a slice reported was committed, in milliseconds since the epoch. */
  newsAt?: number | undefined;
}

/** How a pass stands: its shards in the current round, and what the rounds before came to. */
export interface PassState {
  status: PassStatus;
  error?: string;
  /** Rows nested in others are walked level after level: one round a level. */
  round: number;
  shards: ShardState[];
  /** Totals of the rounds before. */
  readonly before: { batches: number; rows: number; skipped: number };
  /** Milliseconds since the epoch, by the workflow's clock. */
  startedAt?: number;
  endedAt?: number;
}

/** A shard in the current round, as its last slice returned it. */
export interface ShardState {
  done: boolean;
  batches: number;
  rows: number;
  skipped: number;
  reported: ReportedRows | null;
  progress: ShardProgress;
  /** Slices that ended in this round. */
  slices: number;
}

/** The state of a run whose plan was just made. */
export function newState(plan: Plan): RunState {
  const passes = plan.passes.map((planned): PassState => {
    const status = planned.notApplicable === true ? 'not-applicable' : 'planned';
    return { status, round: 0, shards: [], before: { batches: 0, rows: 0, skipped: 0 } };
  });
  return { plan, passes, pass: 0, longestMillis: 0, paused: false };
}

/** Begins the next round of a pass; what the one before counted is kept. */
export function beginRound(pass: PassState, planned: PlannedPass): void {
  for (const shard of pass.shards) {
    pass.before.batches += shard.batches;
    pass.before.rows += shard.rows;
    pass.before.skipped += shard.skipped;
  }
  pass.round += 1;
  pass.shards = Array.from({ length: planned.shards }, () => {
    const progress = { done: false, part: 0, rowsPerSecond: null, secondsLeft: null, at: null };
    return { done: false, batches: 0, rows: 0, skipped: 0, reported: null, progress, slices: 0 };
  });
}

/** Takes over what a slice returned: its counts are totals of the shard's round. */
export function keepSlice(state: RunState, pass: PassState, shard: number, result: SliceResult): void {
  const { longestMillis, limit: _limit, ...counts } = result;
  pass.shards[shard] = { ...counts, slices: (pass.shards[shard]?.slices ?? 0) + 1 };
  state.newsAt = Math.max(state.newsAt ?? 0, result.progress.at ?? 0) || undefined;
  state.longestMillis = Math.max(state.longestMillis, longestMillis);
}

/** Rows of the current round. */
export function rowsOfRound(pass: PassState): number {
  return pass.shards.reduce((sum, shard) => sum + shard.rows, 0);
}

/** Rows of all rounds. */
export function countRows(pass: PassState): number {
  return pass.before.rows + rowsOfRound(pass);
}
