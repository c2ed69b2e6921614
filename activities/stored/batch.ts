import type { Cursor } from './cursor.ts';
import type { ReportedRows, RowsByTable } from './report.ts';

/** A shard of a pass of a run: its batches are numbered in it. */
export interface ShardKey {
  readonly run: number;
  readonly pass: number;
  readonly shard: number;
}

/** Where a shard stands: its last batch. */
export interface Position {
  readonly sequence: number;
  readonly round: number;
  readonly cursor: Cursor;
  readonly done: boolean;
  readonly size: number;
}

/** Totals of a shard in one round. */
export interface RoundTotals {
  readonly batches: number;
  readonly rows: number;
  readonly skipped: number;
  readonly reported: ReportedRows | null;
}

/** What the ledger keeps of the work of a batch. */
export interface BatchResult {
  readonly cursor: Cursor;
  readonly done: boolean;
  readonly skipped: number;
  readonly moved: number;
  readonly held?: number;
  readonly blocked?: number;
  readonly reported?: ReportedRows;
  /** Rows that went with a table that was dropped: the database does not count them as deleted. */
  readonly dropped?: RowsByTable;
  readonly bytes?: number;
  readonly files?: number;
}

/** The last batches of a shard, to measure its progress by. */
export interface ShardBatches {
  readonly round: number;
  readonly done: boolean;
  /** When the last batch was committed, in milliseconds since the epoch. */
  readonly at: number;
  readonly cursor: Cursor;
  /** Rows deleted in the round, in all tables. */
  readonly rows: number;
  /** Those of the pass's own table. */
  readonly ownRows: number;
  /** Where the shard stood when the batches started that its speed is measured by. */
  readonly fromCursor: Cursor;
  /** Rows that these batches deleted. */
  readonly recentRows: number;
  /** Milliseconds that they took, pauses left out. */
  readonly recentMillis: number;
}
