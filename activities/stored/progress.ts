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
