import type { PassKind } from '../../policy/pass.ts';
import type { PassBacklog } from './backlog.ts';
import type { Holder, PassStatus, RunMode, RunStatus } from './run.ts';
import type { PassPlan, Scan } from './scan.ts';
import type { SizeChange, SizeMoment, TableSize } from './size.ts';

/** Rows that a pass found and that stay. Counts, fixed words and a time: it may cross to Temporal. */
export interface ReportedRows {
  readonly found: number;
  /** Of them, those that the policy's handler resolved without an error and that no longer match. */
  readonly resolved: number;
  /** Of them, those that were handed to the handler and still match, by reason. The rest ended by themselves. */
  readonly unresolved: Readonly<Record<string, number>>;
  /** The age of the oldest of them; ISO 8601. Null if none was found. */
  readonly oldest: string | null;
  /** The bytes of the files that it found and left. */
  readonly bytes?: number;
}

/**
 * Something about a run that is worth knowing and no failure. `what` uses only names that a person wrote and may cross
 * to Temporal; `here` may name tables and sessions, and stays in the ledger and on the command line.
 */
export interface Note {
  readonly what: string;
  readonly here?: string;
}

/** The result of a run, which is the workflow's. Rows per table are in the ledger. */
export interface RunReport {
  /** The number of the run in the ledger; null if none was started. */
  readonly run: number | null;
  /** If none was started, the last run that the schedule knows of; 0 if it knows none. */
  readonly lastRun?: number;
  readonly policy: string;
  readonly mode: RunMode;
  readonly status: RunStatus;
  /** ISO 8601, by the database's clock. */
  readonly startedAt: string;
  /** Null while it is open. */
  readonly endedAt: string | null;
  /** From start to end, waiting and pauses included. */
  readonly millis: number;
  /** Rows deleted in all tables, cascades included. */
  readonly rows: number;
  /**
   * Bytes given back to the disk: by how much all tables, indexes and TOAST of the run shrank from its start to its end.
   * Negative if they grew; null if that was not measured. On SQLite only what passes cut off the file.
   */
  readonly bytes: number | null;
  /** Files removed. */
  readonly files: number;
  /** Bytes of the files removed. */
  readonly spaceReclaimed: number;
  readonly longestTransactionMillis: number | null;
  readonly passes: readonly PassReport[];
  readonly reasons: readonly string[];
  /** What is worth knowing and no failure: tables left out, sizes not known. The ledger names the tables. */
  readonly notes: readonly string[];
  readonly holder?: Holder;
}

/** The result of a pass. `rows` are of all tables, `millis` from the start of its first batch to the end of its last. */
export interface PassReport {
  readonly name: string;
  readonly kind: PassKind;
  readonly status: PassStatus;
  readonly scan: Scan | null;
  readonly shards: number;
  readonly batches: number;
  readonly rows: number;
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** Deletable rows that stay because somebody else had them locked. */
  readonly skipped: number;
  /** Deletable rows that stay because of a hold. */
  readonly held: number;
  /** Deletable rows that stay because the database does not let them go: others reference them, or a trigger keeps them. */
  readonly blocked: number;
  /** What it found and left; null if the pass reports nothing. */
  readonly reported: ReportedRows | null;
  /** Bytes given back to the disk, by tables or files; negative if tables grew meanwhile. */
  readonly bytes: number;
  /** Null for kinds that remove nothing, in previews, and if it was not measured. */
  readonly backlog: PassBacklog | null;
  /** Files removed, or that would be. */
  readonly files: number;
  readonly millis: number;
  readonly error: string | null;
}

/** Rows by table. */
export type RowsByTable = Readonly<Record<string, number>>;

/** The result of a run with the rows of each table, for those who can read the database. Never sent to Temporal. */
export interface LedgerReport extends Omit<RunReport, 'notes'> {
  /** Rows deleted, or that would be deleted, in each table, cascades included. */
  readonly deleted: RowsByTable;
  readonly passes: readonly LedgerPassReport[];
  /** What each table measured at the start and the end. */
  readonly sizes: readonly SizeChange[];
  readonly notes: readonly Note[];
}

/** The result of a pass with the rows of each table and what was expected. */
export interface LedgerPassReport extends PassReport {
  readonly deleted: RowsByTable;
  readonly estimate: number | null;
  /** The instant before which rows were deletable, ISO 8601; null if time decides nothing. */
  readonly horizon: string | null;
  /** What a pass that measures found. */
  readonly measured?: readonly TableSize[];
}

/** Why the rows that a preview counts for a pass are not exactly those that a run deletes. */
export interface PreviewBound {
  /** Of the rows that a run deletes, the preview counts the most, or the least; or it may differ either way. */
  readonly rows: 'at most' | 'at least' | 'about';
  /** As the end of a sentence; it may cross to Temporal. */
  readonly why: string;
  /** The tables, columns and triggers that it is about; it stays in the ledger and on the command line. */
  readonly here: string;
}

/** What a pass would delete, and the pointers that it would move, per table. */
export interface PreviewedPass {
  readonly name: string;
  readonly kind: PassKind;
  /** How a run would scan. */
  readonly plan: PassPlan;
  readonly applicable: boolean;
  readonly deleted: RowsByTable;
  readonly moved: number;
  /** Rows that would be deleted but for a hold. */
  readonly held: number;
  /** Rows that would be deleted but for others that reference them. */
  readonly blocked: number;
  /** Rows of the pass's own table that stay only because they have no age. */
  readonly undated: number;
  /** What it would report; null if the pass reports nothing. */
  readonly reported: ReportedRows | null;
  /** The least and the greatest age of the rows of the pass's own table that it would delete; ISO 8601, null if there are none. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** What rows must be older than, if the pass has one age for all; ISO 8601. */
  readonly horizon: string | null;
  /** Rows that would be deleted in all tables. */
  readonly rows: number;
  /** Files that would be removed, and what they measure. */
  readonly files: number;
  readonly bytes: number;
  /** Why a run may delete another number of rows; empty if it deletes the same, provided that nobody writes meanwhile. */
  readonly bounds: readonly PreviewBound[];
  /** What belongs to deleted rows and is left, although another pass takes care of it: sentences about this pass. */
  readonly left: readonly string[];
  /** What decides which rows the pass deletes: see `hashSettings`. Null if it is not applicable. */
  readonly settingsHash: string | null;
}

/** A run as its row has it, for a report. */
export type ReportedRun = Pick<
  LedgerReport,
  | 'policy'
  | 'mode'
  | 'status'
  | 'startedAt'
  | 'endedAt'
  | 'longestTransactionMillis'
  | 'reasons'
  | 'notes'
  | 'millis'
> & { readonly run: number };

/** A pass as its row has it or, of an open run, as its batches add up to. */
export interface ReportedPass extends Omit<LedgerPassReport, 'measured'> {
  readonly run: number;
  readonly ordinal: number;
  /** The longest transaction of an open run; else null. */
  readonly longest: number | null;
}

/** A table as a run, or a pass that measures, measured it. */
export interface ReportedSize {
  readonly run: number;
  readonly moment: SizeMoment | 'pass';
  /** -1 for the run itself. */
  readonly pass: number;
  readonly measured: TableSize;
}
