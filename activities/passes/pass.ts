import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import type { PreviewQuery } from '../dialect/preview.ts';
import type { Condition, Holds, View } from '../dialect/view.ts';
import type { FilePreview } from '../files/file-preview.ts';
import type { ScanChoice } from '../resolve/scan-choice.ts';
import type { Scope } from '../resolve/scope.ts';
import type { SoftDependent } from '../resolve/soft-dependents.ts';
import type { BatchOutcome, BatchStep, PreparedWork, PrepareContext } from '../steps/batch-step.ts';
import type { ConditionPart } from '../steps/condition-parts.ts';
import type { TableOutcome, TableStep } from '../steps/table-step.ts';
import type { Backlog } from '../stored/backlog.ts';
import type { Ages, PartialIndex, TableName } from '../stored/columns.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { StoredPass, StoredTablePass } from '../stored/pass.ts';
import type { PreviewBound } from '../stored/report.ts';
import type { RowTree } from '../stored/row-tree.ts';
import type { PassPlan } from '../stored/scan.ts';
import type { StayReason } from '../stored/stay-reason.ts';

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
  /** What it deletes or repairs along with rows, other than by foreign keys; kinds that do neither have none. */
  softDependents?(pass: P): SoftDependent[];
  /** What it finds once the rows are deleted, whoever did; kinds that look for nothing such have none. */
  repairs?(pass: P): SoftDependent[];
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

/**
 * A kind of pass that works on one table after the other, outside of the transaction that records that it is done: what is
 * done twice after a crash does no harm. What deletes rows is a {@link TableRemoval}.
 */
export interface TableKind<P extends Pass = Pass, S extends StoredPass = StoredTablePass> extends AnyKind<
  P,
  S
> {
  runTable(stored: S, step: TableStep): Promise<TableOutcome>;
  /**
   * Why a row stays, by the table where it lies; empty if it is deleted with that, undefined if the pass is not about the table.
   * Kinds that delete no rows have none.
   */
  explain?(
    stored: S,
    tx: Tx,
    table: TableName,
    options: { readonly holds: Holds; readonly now: string },
  ): Promise<readonly TableReason[] | undefined>;
}

/** Why all rows of a table stay. */
export interface TableReason {
  readonly reason: StayReason;
  /** ISO 8601: the instant at which the reason ends, if time alone decides; else null. */
  readonly due: string | null;
}
