import type { Pass } from '../../policy/pass.ts';
import type { Session } from '../dialect/dialect.ts';
import type { Outbox } from '../dialect/rows.ts';
import type { Deadline } from '../dialect/transaction-limits.ts';
import type { Holds, KeepLastList } from '../dialect/view.ts';
import type { FileWork } from '../files/file-work.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { ReportedRows } from '../stored/report.ts';
import type { Shard } from '../stored/scan.ts';

/** What a batch is asked to do. */
export interface BatchStep {
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** Rows to aim at, in all tables together. */
  readonly size: number;
  /** The most rows of the pass's own table; Infinity for no limit. */
  readonly maxRows: number;
  /** A row with more dependents than this is oversized: it is drained first, in several batches. */
  readonly oversized: number;
  /** So many rows of an oversized row are deleted in one batch. */
  readonly chunk: number;
  /** Rows deleted in all tables for each row of the pass's own, as seen so far. */
  readonly rowsPerParent: number;
  /** How many rows of the table to read in physical order for each that is wanted. */
  readonly readFactor: number;
  /** Lock rows, skip those that others have locked, and count dependents: the last attempt took too long. */
  readonly lockFirst: boolean;
  /** Something forbids to delete some row: find out which, delete the others, and go on. */
  readonly isolate: boolean;
  /** Tries a part of the batch that may fail, after which the batch goes on; what it deleted is not counted then. */
  readonly attempt: <T>(work: () => Promise<T>, defersKeys?: boolean) => Promise<T>;
  /** Delete nothing and go on after the first row: somebody else has what is deleted with it locked. */
  readonly skipFirstRow: boolean;
  readonly deadline?: Deadline;
  /** The rows that the pass keeps. */
  readonly keepLast: KeepLastList;
  /** What nobody may delete, as the batch found it when it started. */
  readonly holds: Holds;
  /** The files that wait to be removed. */
  readonly outbox: Outbox;
  /** What was done before the transaction, if the kind of pass does something then. */
  readonly prepared?: PreparedWork;
}

/** What one batch did. How many rows it deleted is in the ledger, by the database's own counters. */
export interface BatchOutcome {
  readonly cursor: Cursor;
  readonly done: boolean;
  /** Rows of the pass's own table that were deleted. */
  readonly taken: number;
  /** Rows that were deletable and stay because somebody else had them locked. */
  readonly skipped: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** Rows that only a hold keeps; left out if none is in force. */
  readonly held?: number;
  /** Rows that the database does not let go: something references them, or a trigger keeps them; left out if there are none. */
  readonly blocked?: number;
  /** Some of these are referenced by rows that the pass knows of. */
  readonly isReferenced?: true;
  /** Why others of these stay, as the database says; left out if there are none. */
  readonly refusals?: readonly Refusal[];
  /** The deletable rows found over those that were wanted; left out if the scan has no limit. */
  readonly filled?: number;
  /** Only an oversized row was drained, and its rows took so many milliseconds to delete. */
  readonly drainMillis?: number;
  /** Rows that were found and stay, if the pass reports them. */
  readonly reported?: ReportedRows;
  /** Bytes given back to the disk. */
  readonly bytes?: number;
  /** Files removed. */
  readonly files?: number;
}

/** Why the database refused to delete a row. */
export interface Refusal {
  readonly meaning: string;
  /** The constraint, table or function that the server named; empty if it named none. */
  readonly names: string;
}

/** What was done for a batch before its transaction. */
export type PreparedWork = HandledRows | FileWork;

/** What work outside of a transaction needs. */
export interface PrepareContext {
  readonly session: Session;
  /** The pass as the policies of this worker have it now: functions cannot be stored. Undefined if they have none. */
  readonly pass: Pass | undefined;
  readonly outbox: Outbox;
  /** Fires when the slice is to end: what is under way may finish, nothing more is started. */
  readonly signal: AbortSignal;
  /** Shows that the worker lives. */
  readonly heartbeat: () => void;
  /** Writes an error into the worker's log at level debug. */
  readonly debug: (error: unknown) => void;
}

/** Rows that were handed to the handler of a policy, by key. */
export interface HandledRows {
  /** Rows that need not be handed over again, whatever the result. */
  readonly reached: readonly string[];
  /** Of them those that still matched, with the reason if the handler failed. */
  readonly results: ReadonlyMap<string, string | null>;
}
