import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import type { PreviewQuery } from '../dialect/preview.ts';
import type { Outbox } from '../dialect/rows.ts';
import type { Deadline } from '../dialect/transaction-limits.ts';
import type { Condition, Holds, KeepLastList, View } from '../dialect/view.ts';
import type { FilePreview } from '../files/file-preview.ts';
import type { FileWork } from '../files/file-work.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ScanChoice } from '../resolve/scan-choice.ts';
import type { Scope } from '../resolve/scope.ts';
import type { Backlog } from '../stored/backlog.ts';
import type { Ages, PartialIndex, TableName } from '../stored/columns.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { StoredPass, StoredTablePass } from '../stored/pass.ts';
import type { Note, PreviewBound, ReportedRows, RowsByTable } from '../stored/report.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { PassPlan, Shard } from '../stored/scan.ts';
import type { ConditionPart } from './condition.ts';

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
  /** The shard is done. */
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

/** A column that a pass would like an index on, and why, as the end of a sentence about the pass. */
export interface WantedIndex {
  readonly table: TableName;
  readonly column: string;
  readonly why: string;
  /** A partial index that serves although it leaves rows out. */
  readonly served?: PartialIndex | undefined;
}

/** What every kind of pass can do. */
interface AnyKind<P extends Pass, S extends StoredPass> {
  readonly kind: P['kind'];
  /** Its rows pass their horizon by age alone: if a table has no younger one, a clock or an age may be wrong. */
  readonly expires?: true;
  /** Every entity that the pass names. */
  entities(pass: P): AnyEntity[];
  /** Entities whose partitions it works on one after the other, if they are partitioned; kinds that do not have none. */
  leaves?(pass: P): AnyEntity[];
  /** Looks names up; reports what is missing to the scope and then returns undefined. */
  resolve(pass: P, scope: Scope): S | undefined;
  /** What only the rows or the planner tell of a resolved pass; kinds whose names say all have none. */
  readRows?(stored: S, tx: Tx, table: CatalogTable, catalog: Catalog): Promise<S>;
  /** The plan, or the scans to choose from once the table has been sampled. */
  plan(stored: S, table: CatalogTable, shards: number, view: View): ScanChoice | PassPlan;
  /** Why the pass cannot run over a connection, beyond what its tables say; kinds that any connection can do have none. */
  findConnectionProblem?(
    session: Session,
  ): Promise<{ readonly what: string; readonly fix: string } | undefined>;
  /** Adds what the pass would do, after what the passes before it would, to a preview. */
  preview(stored: S, query: PreviewQuery): void;
  /** What the pass would do with files, after the rows of a preview; kinds without files have none. */
  previewFiles?(stored: S, query: PreviewQuery): FilePreview;
  /** Why a run may delete other rows than a preview counts, if `earlier` tables lose rows before; kinds that count all have none. */
  bounds?(stored: S, earlier: readonly TableName[]): PreviewBound[];
  /** About so many rows are past their horizon and could be deleted, if no sample of the own table can tell. */
  countBacklog?(stored: S, tx: Tx, holds: Holds): Promise<Backlog>;
  /** Columns by which it scans or looks up. */
  wantedIndexes(stored: S): WantedIndex[];
  /** Tables beside its own whose rows, or missing rows, decide what it does: a restored one would decide wrongly. */
  evidence?(stored: S): readonly TableName[];
}

/** A kind of pass that works in batches. */
export interface BatchKind<P extends Pass = Pass, S extends StoredPass = StoredPass> extends AnyKind<P, S> {
  /** What it asks of a row of its table, as named parts; kinds that delete no rows have none. */
  condition?(stored: S, view: View): ConditionPart[];
  /** The rows of the backlog, as one condition, and their age; kinds that remove nothing have none. */
  backlog?(stored: S, view: View): BacklogRows;
  /** What is deleted along with a row. */
  dependents?(stored: S): RowTree;
  /**
   * Does what must be done before a batch and outside of its transaction; `runBatch` is given the result. The same batch
   * may be prepared several times.
   */
  prepare?(stored: S, cursor: Cursor, context: PrepareContext): Promise<PreparedWork | undefined>;
  /** Deletes one batch in the given transaction. */
  runBatch(stored: S, tx: Tx, step: BatchStep): Promise<BatchOutcome>;
}

/** Rows that are past their horizon and still there. */
export interface BacklogRows {
  readonly where: Condition;
  /** The age of a row, and the instant from which rows are too young; null if their time is not known. */
  readonly age: {
    readonly ages: Ages;
    readonly until: string;
    readonly index?: PartialIndex | undefined;
  } | null;
}

/** One table to work on. */
export interface TableStep {
  readonly session: Session;
  readonly ledger: Ledger;
  readonly run: number;
  /** The number of the pass in the plan. */
  readonly pass: number;
  readonly table: TableName;
  /** It is the first of the pass. */
  readonly first: boolean;
  /** The pass as this worker's policy has it now, for functions; undefined if it has none. */
  readonly policyPass: Pass | undefined;
  /** The run is to end: so is its statement. */
  readonly signal: AbortSignal;
}

/** What was done with one table. */
export interface TableOutcome {
  /** Bytes given back to the disk; negative if it grew. */
  readonly bytes: number;
  readonly notes: readonly Note[];
  /** Writes what else belongs into the transaction that records that the table is done. */
  readonly record?: (tx: Tx) => Promise<void>;
  /** Removes the table in that transaction; left out if the pass removes nothing. */
  readonly removal?: TableRemoval;
}

/** How a table is removed. */
export interface TableRemoval {
  /** Removes it, or says why not. An error because others use it rolls the transaction back, which is tried again. */
  readonly remove: (tx: Tx, holds: Holds) => Promise<RemovedTable>;
  /** What to record if others use it all the time. */
  readonly leave: () => RemovedTable;
}

/** What became of a table that was to be removed. Numbers of rows; 0 if left out. */
export interface RemovedTable {
  /** That went with it, by the label of the table that they are counted for. */
  readonly deleted?: RowsByTable;
  /** That stay, because others use the table. */
  readonly skipped?: number;
  /** That stay, because a hold keeps one of them. */
  readonly held?: number;
  /** That stay, because the database does not let them go. */
  readonly blocked?: number;
  /** Bytes given back to the disk. */
  readonly bytes?: number;
  readonly notes: readonly Note[];
}

/**
 * A kind of pass that works on one table after the other, outside of the transaction that records that it is done: what is
 * done twice after a crash does no harm. What deletes rows is a {@link TableRemoval}.
 */
export interface TableKind<P extends Pass = Pass, S extends StoredPass = StoredTablePass> extends AnyKind<
  P,
  S
> {
  runTable(stored: S, step: TableStep): Promise<TableOutcome>;
}

/** Rows that were handed to the handler of a policy, by key. */
export interface HandledRows {
  /** Rows that need not be handed over again, whatever the result. */
  readonly reached: readonly string[];
  /** Of them those that still matched, with the reason if the handler failed. */
  readonly results: ReadonlyMap<string, string | null>;
}
