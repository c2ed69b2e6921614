import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { TableName } from '../stored/columns.ts';
import type { Sizes } from './sizes.ts';
import type { TransactionLimits } from './transaction-limits.ts';

/** Gives space of a table back, on a connection of its own outside of any transaction. */
export interface Reclaim {
  /** Why it cannot be done over this connection; undefined if it can. Takes two connections for a moment. */
  findProblem(): Promise<{ readonly what: string; readonly fix: string } | undefined>;
  run<T>(work: (session: ReclaimSession) => Promise<T>): Promise<T>;
}

/** One connection that works on tables. */
export interface ReclaimSession {
  readonly sizes: Sizes;
  limit(limits: TransactionLimits): Promise<void>;
  /**
   * Tries to become the only session of ours that works on a table. If an earlier attempt of the run or of a closed run
   * does, its session is ended.
   */
  tryToOwn(table: TableName, run: number): Promise<boolean>;
  /** Writes into the journal that this session starts to work on a table. Returns the number of the entry. */
  recordStart(entry: ReclaimEntry, bytes: number): Promise<number>;
  /** Runs the statement of a mode; the signal ends it, on the server too. */
  reclaim(mode: ReclaimMode, table: TableName, signal: AbortSignal): Promise<void>;
}

/** What gives space back, and for whom. */
export interface ReclaimEntry {
  readonly run: number;
  readonly pass: number;
  readonly table: TableName;
  readonly mode: ReclaimMode;
}
