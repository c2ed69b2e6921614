import type { Kysely } from 'kysely';

import type { Pass } from '../../policy/pass.ts';
import type { Waiting } from '../backlog/backlog.ts';
import type { Cursor } from '../batch/cursor.ts';
import type { Outside, Prepared } from '../batch/outside.ts';
import type { Database } from '../database/database.ts';
import type { Asked, Explained } from '../explain/condition.ts';
import type { Note } from '../ledger/notes.ts';
import type { Scope } from '../plan/scope.ts';
import type { WalkChoice } from '../plan/strategy.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { Holds } from '../sql/holds.ts';
import type { KeepingExpiry, KeptList } from '../sql/kept.ts';
import type { TableName } from '../sql/names.ts';
import type { Outbox } from '../sql/recording.ts';
import type { Span } from '../sql/span.ts';
import type { Deadline, Tx } from '../sql/transaction.ts';

/** How a pass walks its table; in the plan, the ledger, the preview and the report. */
export type Strategy = 'page-range' | 'keyset' | 'loose-index' | 'tables' | 'files';

/** Where along the walk the rows lie that a sample saw, for progress only. */
export interface Spread {
  /** How many there are in the whole table. */
  readonly rows: number;
  /** Positions, as `positionOf` has them, that cut them into equal parts: from the first row to the last. */
  readonly marks: readonly number[];
}

/** A part of a pass that runs beside the others: a range of the walk that overlaps with no other. Plain JSON. */
export type Shard = Range & {
  /** Missing where the sample saw too little to tell. */
  readonly spread?: Spread;
};

type Range =
  | {
      readonly strategy: 'page-range';
      readonly fromPage: number;
      readonly untilPage: number;
      /** It is the last: it goes on to the end of the table, where rows land that an update moves. */
      readonly open: boolean;
      /** By the sample that the plan was made from; at least 1. */
      readonly rowsPerPage: number;
    }
  | {
      readonly strategy: 'keyset';
      readonly from: string | null;
      readonly until: string;
      /** The oldest age that a sample saw, for progress only. */
      readonly oldest: string | null;
    }
  | { readonly strategy: 'loose-index'; readonly after: string | null; readonly until: string | null }
  /** Whole tables, one after the other. */
  | { readonly strategy: 'tables'; readonly tables: number }
  /** Files, in the order in which they were recorded or are listed. */
  | {
      readonly strategy: 'files';
      /** What a former run counted in a root that is walked, and how often it is walked, for progress only. */
      readonly expected?: { readonly files: number; readonly walks: 1 | 2 };
    };

/**
 * A pass as a run keeps it: every name looked up, every duration turned into an instant. Plain JSON in the ledger,
 * so that a worker with newer code or configuration goes on with what the run began with.
 */
export interface FrozenPass {
  readonly kind: Pass['kind'];
  /** The table that the pass walks. */
  readonly table: TableName;
  /** Every table in which it may delete rows, by itself or by cascade. */
  readonly counted: readonly TableName[];
  /** Rows deleted in all tables for each row of the pass's own, as the statistics have it; 1 without children. */
  readonly familySize: number;
  /** The newest rows of groups stay: which ones is written into the ledger when the run begins. */
  readonly keeps?: KeepingExpiry;
  /** The tables that it works on whole, where it deletes nothing. */
  readonly tables?: readonly TableName[];
}

/** How a run will walk. */
export interface PassPlan {
  /** Null where nothing is walked. */
  readonly strategy: Strategy | null;
  readonly shards: readonly Shard[];
  /** Rows of the pass's own table that are expected to go. */
  readonly estimate: number;
  /** Rows of that table, by the same sample. */
  readonly tableRows: number;
}

/** What one batch is asked to do. */
export interface BatchStep {
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** Rows to aim at, in all tables together. */
  readonly size: number;
  /** The most rows of the pass's own table. */
  readonly mostRows: number;
  /** A row that comes with more rows than this, a giant, is emptied first, in several batches. */
  readonly giant: number;
  /** So many rows of a giant go in one batch. */
  readonly bite: number;
  /** Rows deleted in all tables for each row of the pass's own, as seen so far. */
  readonly familySize: number;
  /** How many rows of the table to read in physical order for each that is wanted. */
  readonly reach: number;
  /** Lock rows, pass over those that others hold, and weigh what goes with them: the last attempt took too long. */
  readonly careful: boolean;
  /** Delete nothing and go on after the first row: what goes with it is held by somebody else. */
  readonly passOver: boolean;
  readonly deadline?: Deadline;
  /** The rows that the pass keeps. */
  readonly kept: KeptList;
  /** What nobody may delete, as the batch found it at its begin. */
  readonly holds: Holds;
  /** The files that wait to be deleted. */
  readonly outbox: Outbox;
  /** What was done before the transaction, where the kind of pass does something then. */
  readonly prepared?: Prepared;
}

/** What one batch did. How many rows went is in the ledger, by the database's own counters. */
export interface BatchOutcome {
  readonly cursor: Cursor;
  /** The shard is done. */
  readonly end: boolean;
  /** Rows of the pass's own table that went. */
  readonly taken: number;
  /** Rows that qualified and stay because somebody else held them. */
  readonly skipped: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** From when to when the rows are that went, by the pass's age; null where none did. Left out where nobody looked. */
  readonly span?: Span | null;
  /** Rows that qualified and stay because of a hold; left out where none is in force. */
  readonly held?: number;
  /** The rows that qualified in what was read, over those that were wanted; left out where the walk has no limit. */
  readonly filled?: number;
  /** Only a giant was made smaller, and its rows took so many milliseconds to delete. */
  readonly emptiedIn?: number;
  /** Rows that were found and stay, where the pass reports them. */
  readonly reported?: ReportedRows;
  /** Bytes given back to the disk. */
  readonly bytes?: number;
  /** Files removed. */
  readonly files?: number;
}

/** Rows that a pass found and that stay. Counts, fixed words and a time: it may travel. */
export interface ReportedRows {
  readonly found: number;
  /** Of them, those that the policy's function dealt with without an error and that do not match any more. */
  readonly resolved: number;
  /** Of them, those that it was asked to deal with and that still match, by reason. The rest ended by themselves. */
  readonly unresolved: Readonly<Record<string, number>>;
  /** When the oldest of them is of, by the pass's age; ISO 8601. Null where none was found. */
  readonly oldest: string | null;
  /** What it found takes so many bytes, where that is files that nothing was done with. */
  readonly bytes?: number;
}

/** What every kind of pass can do before it runs. */
interface PassLook<P extends Pass, F extends FrozenPass> {
  readonly kind: P['kind'];
  /** Looks everything up; reports what is missing to the scope and then answers undefined. */
  freeze(pass: P, scope: Scope): F | undefined;
  /** The plan, or the walks to choose from once the table has been sampled. */
  plan(frozen: F, table: CatalogTable, shards: number): WalkChoice | PassPlan;
  /** Says what the pass would delete, after what the passes before it would. */
  preview(frozen: F, script: PreviewScript): void;
}

/** A kind of pass that deletes in batches. */
export interface PassWork<P extends Pass, F extends FrozenPass> extends PassLook<P, F> {
  /**
   * Does what must be done before a batch and outside of its transaction; `runBatch` is given what it answers. Kinds
   * that only work in the database have none. The same batch may be prepared several times.
   */
  prepare?(frozen: F, db: Kysely<unknown>, cursor: Cursor, outside: Outside): Promise<Prepared | undefined>;
  /**
   * Which rows wait for the pass so many milliseconds after the run began: horizons move on with the clock. What holds
   * keep does not wait. `kept` is the run's list; without one, what stays is found among all rows. Kinds that remove
   * nothing have none.
   */
  waiting?(frozen: F, laterMillis: number, holds: Holds, kept?: KeptList): Waiting;
  /** What it asks of a row of its table; kinds that delete none have nothing to ask. */
  explain?(frozen: F, asked: Asked): Explained;
  /** Deletes one batch in the given transaction. */
  runBatch(frozen: F, tx: Tx, step: BatchStep): Promise<BatchOutcome>;
}

/** A pass that works on whole tables, as a run keeps it. */
export interface FrozenTablePass extends FrozenPass {
  readonly tables: readonly TableName[];
}

/** One table to work on. */
export interface TableStep {
  readonly database: Database;
  readonly run: number;
  /** The number of the pass in the plan. */
  readonly pass: number;
  readonly table: TableName;
  /** It is the first of the pass. */
  readonly first: boolean;
  /** The pass as this worker's policy has it now, for functions, which no run can keep; undefined where it is gone. */
  readonly policyPass: Pass | undefined;
  /** The work is not wanted any more: its statement is to end. */
  readonly signal: AbortSignal;
}

/** What came of one table. */
export interface TableOutcome {
  /** Bytes given back to the disk; negative where it grew. */
  readonly bytes: number;
  readonly notes: readonly Note[];
  /** What else is to be written in the transaction that says that the table is done. */
  readonly keep?: (tx: Tx) => Promise<void>;
}

/**
 * A kind of pass that works on one table after the other, outside of the transaction that writes into the ledger that
 * it is done. Deletes nothing; what is done twice after a crash does no harm.
 */
export interface TableWork<P extends Pass, F extends FrozenPass> extends PassLook<P, F> {
  runTable(frozen: F, step: TableStep): Promise<TableOutcome>;
}
