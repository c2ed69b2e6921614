import type { ShardEnd } from '../shard-end.ts';

/** A row that a scan found. */
export interface Candidate {
  readonly location: string;
  readonly key: string | null;
  /** The value of the age column, as it is stored; null for other scans. */
  readonly age: string | number | null;
  /** The age in milliseconds since the epoch. */
  readonly millis: number | null;
}

/** The next rows of a scan of which the condition is true, and where it goes on after them. */
export interface Candidates {
  readonly rows: readonly Candidate[];
  readonly end: ShardEnd;
}
