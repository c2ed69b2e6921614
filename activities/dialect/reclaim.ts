import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { TableName } from '../stored/columns.ts';
import type { Sizes } from './sizes.ts';
import type { TransactionLimits } from './transaction-limits.ts';

/** Gives space of a table back, on a connection of its own outside of any transaction. */
export interface Reclaim {
  /** Why it cannot be done over this connection; undefined if it can. Takes two connections for a moment. */
  findProblem(): Promise<{ readonly what: string; readonly fix: string } | undefined>;
  run<T>(work: (session: ReclaimSession) => Promise<T>): Promise<T>;
  /**
   * Plans what a mode would do, if the space of the whole database is given back at once, whichever table is named. Left out
   * if each table gives its own space back.
   */
  planWhole?(mode: ReclaimMode): Promise<WholeReclaim>;
}

/** What it takes to give the space of a whole database back. */
export interface WholeReclaim {
  /** What stands for the database in the journal. */
  readonly table: TableName;
  readonly bytes: number;
  /** About so many of them the mode would give back. */
  readonly unusedBytes: number;
  /** Why the mode can give nothing back, as the end of a sentence; undefined if it can. */
  readonly problem: string | undefined;
  /** Free disk that it needs meanwhile, and what there is. */
  readonly neededBytes: number;
  readonly freeBytes: number;
  /** About so long nobody else can write, in milliseconds; 0 if others write meanwhile. */
  readonly blockedMillis: number;
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
