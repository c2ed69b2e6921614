import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Advice } from './advice.ts';
import type { BatchLock } from './batch-lock.ts';
import type { Catalog } from './catalog.ts';
import type { EntityReader } from './entity-reader.ts';
import type { Facts } from './facts.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { Partitions } from './partitions.ts';
import type { PreviewQuery } from './preview.ts';
import type { Reclaim } from './reclaim.ts';
import type { Rows } from './rows.ts';
import type { ScanRows } from './scan.ts';
import type { Sizes } from './sizes.ts';
import type { Survey } from './survey.ts';
import type { Tables } from './tables.ts';
import type { TransactionLimits, Deadline } from './transaction-limits.ts';
import type { Holds, View, ViewOptions } from './view.ts';

/*
 * Everything that differs between databases. `postgresql/` and `sqlite/` implement it; no SQL text and no driver import stands outside
 * of this folder. A row's location, a condition and a cursor are opaque above the seam: only the dialect that made one
 * reads it.
 */

/** An open database: what can be asked of it, each outside of a transaction or on the transaction that it is. */
export interface Session {
  /** Runs work in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs work on one read-only snapshot: all that it reads is of one instant. */
  snapshot<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Whether some session holds a key: see {@link Session.holdKey}. */
  isKeyHeld(key: string): Promise<boolean>;
  /** Holds a key for as long as the session of a connection lives, so that others can see that it does. Returns what ends it. */
  holdKey(key: string): Promise<() => Promise<void>>;
  /** Reads entities by MikroORM's metadata; never connects. Throws if MikroORM cannot read them. */
  readEntities(entities: readonly AnyEntity[]): EntityReader;
  readonly advice: Advice;
  /** A batch that takes longer, in milliseconds, others notice, whatever the policy says; left out if the policy decides. */
  readonly maxBatchMillis?: number;
  readonly facts: Facts;
  readonly tables: Tables;
  readonly ledger: LedgerStore;
  /** The conditions that can be asked of rows of the tables as they are. */
  view(given?: ViewOptions): View;
  /** Starts to count what passes would delete, one after the other. */
  startPreview(catalog: Catalog, holds: Holds | undefined): PreviewQuery;
  /** Missing if the database cannot tell. */
  readonly sizes?: Sizes;
  /** Missing if the database cannot give space of one table back. */
  readonly reclaim?: Reclaim;
  /** Missing if the database has no partitions. */
  readonly partitions?: Partitions;
  readonly survey: Survey;
}

/** A transaction in which statements run. */
export interface Tx extends Session {
  /** Runs work in a savepoint that is undone afterwards, so that its error does not end the transaction. */
  tryAndUndo<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work, and asks the server to end its statement when the signal fires. */
  cancelOn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** Limits the statements that follow, or until the savepoint that they are in is undone. */
  limitStatements(millis: number): Promise<void>;
  /**
   * Leaves the next statements no more than the rest of the transaction's time. Throws an error of kind `timeout` if
   * nothing is left.
   */
  enforceDeadline(deadline: Deadline | undefined): Promise<void>;
  readonly batchLock: BatchLock;
  readonly scan: ScanRows;
  readonly rows: Rows;
}

/** A session, and what closes all that was opened for it. */
export interface ConnectedSession {
  readonly session: Session;
  close(): Promise<void>;
}
