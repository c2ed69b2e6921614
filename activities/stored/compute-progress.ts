import type { PassStatus } from './run.ts';
import type { Shard } from './scan.ts';

/** How far a shard is in its round, as of its last batch. */
export interface ShardProgress {
  readonly done: boolean;
  /** The part of its work that is done, 0 to 1; null if unknown. */
  readonly part: number | null;
  /** Rows deleted per second in all tables, by its last batches; null if unknown. */
  readonly rowsPerSecond: number | null;
  /** Seconds of work from its last batch to its end, if it continues at that speed; null if unknown. */
  readonly secondsLeft: number | null;
  /** When its last batch was committed, by the database's clock, in milliseconds since the epoch; null before the first. */
  readonly at: number | null;
}

/** How far a pass is. */
export interface Progress {
  /** The part of the work that is done, 0 to 100; null if unknown. */
  readonly percent: number | null;
  /** In all tables, while the pass runs; null if unknown. */
  readonly rowsPerSecond: number | null;
  /** Seconds of work, from its last batch, until the pass is done. Pauses are not in it. Null if unknown. */
  readonly etaSeconds: number | null;
}

/** A pass of an open run, for its progress. */
export interface ProgressPass {
  readonly name: string;
  readonly ordinal: number;
  readonly shards: readonly Shard[];
  readonly rowsPerParent: number | null;
  readonly rows: number;
  readonly batches: number;
}

/** A shard before its first batch. */
export const NOT_BEGUN: ShardProgress = {
  done: false,
  part: 0,
  rowsPerSecond: null,
  secondsLeft: null,
  at: null,
};

/**
 * Computes percent, rate and ETA of a pass. Everyone who shows progress calls this function and formats the result. It
 * also runs in the workflow's sandbox, so that this file imports types only.
 */
export function computeProgress(status: PassStatus, shards: readonly ShardProgress[]): Progress {
  const running = status === 'running';
  const open = shards.filter(({ done }) => !done);
  return {
    percent: computePercent(status, shards),
    rowsPerSecond: running ? sumRates(open) : null,
    etaSeconds: running ? computeEta(open) : null,
  };
}

/** Shards are cut to about equal work. */
function computePercent(status: PassStatus, shards: readonly ShardProgress[]): number | null {
  if (status === 'completed') return 100;
  const parts = keepKnown(shards.map(({ part }) => part));
  if (status === 'planned' || parts === null) return null;
  return Math.floor((100 * sum(parts)) / parts.length);
}

function sumRates(open: readonly ShardProgress[]): number | null {
  const rates = keepKnown(open.map(({ rowsPerSecond }) => rowsPerSecond));
  return rates === null ? null : Math.round(sum(rates));
}

/** Shards run beside one another, and the last to end ends the pass. */
function computeEta(open: readonly ShardProgress[]): number | null {
  const newest = Math.max(...open.map(({ at }) => at ?? 0));
  const seconds = keepKnown(
    open.map(({ secondsLeft, at }) =>
      secondsLeft === null ? null : secondsLeft - (newest - (at ?? 0)) / 1000,
    ),
  );
  return seconds === null ? null : Number(Math.max(0, ...seconds).toFixed(1));
}

/** The values if there are any and each is known, else null. */
function keepKnown(values: readonly (number | null)[]): number[] | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length && known.length > 0 ? known : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
