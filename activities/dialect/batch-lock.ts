import type { TableName } from '../stored/columns.ts';
import type { Holds } from './view.ts';

/** Keeps the batches of a shard apart, and reads what they need when they start. Keys are opaque texts. */
export interface BatchLock {
  /**
   * Becomes the only writer of a shard until the transaction ends, and marks its run as having a batch under way. `counted`
   * are the tables of which the deleted rows are counted.
   */
  lockShard(shardKey: string, runKey: string, counted: readonly TableName[]): Promise<LockedShard>;
  /** Waits until no batch of a run is under way and keeps new ones out until this transaction ends. */
  waitForBatches(runKey: string): Promise<void>;
  /**
   * Tries work that may fail, after which the transaction goes on: what it did is undone, and what it deleted meanwhile is
   * taken out of the counters. Constraints are checked and triggers fire before it is over. `defersKeys`: the work lets foreign
   * keys be checked late that usually are not.
   */
  attempt<T>(counters: DeletionCounters, work: () => Promise<T>, defersKeys: boolean): Promise<T>;
  /** Fires the triggers that would fire when the transaction ends. */
  fireTriggers(): Promise<void>;
  /** Reports what this session did to the server's statistics when the transaction commits. */
  flushStatistics(): Promise<void>;
}

/** What a batch found when it started. */
export interface LockedShard {
  /** False if another attempt is at work on the shard, or the run is being closed. */
  readonly locked: boolean;
  /** Counts what the batch deletes from here on, cascades included; for the ledger's record of the batch. */
  readonly counters: DeletionCounters;
  readonly holds: Holds;
}

/** Counters of deleted rows. Only the dialect that made them reads them. */
export interface DeletionCounters {
  readonly tables: readonly TableName[];
  readonly before: string[];
}
