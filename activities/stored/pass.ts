import type { PassKind } from '../../policy/pass.ts';
import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { Window } from '../../policy/window.ts';
import type { Ages, ColumnName, PartialIndex, Predicate, TableName } from './columns.ts';
import type { Expiry, KeepLastExpiry } from './expiry.ts';
import type {
  Watched,
  StoredNesting,
  StoredChild,
  ClearedChild,
  DeferredChild,
  CascadeStep,
  StoredBlocker,
  RowGraph,
  StoredPointer,
  ParentReference,
  StoredReference,
  PathColumn,
  StoredPath,
} from './row-tree.ts';

/**
 * A pass as a run stores it: every name looked up, every duration turned into an instant. Plain JSON in the ledger,
 * so that a worker with newer code or configuration goes on with what the run started with.
 */
export interface StoredPass {
  readonly kind: PassKind;
  /** The table that the pass scans. */
  readonly table: TableName;
  /** Every table from which it may delete rows, by itself or by cascade. */
  readonly counted: readonly TableName[];
  /** Of the counted tables, those of `known`, and what is `triggered`: see `Facts.readFingerprints`. Left out if nothing is counted. */
  readonly fingerprint?: string;
  /** Tables that decide what the pass deletes, as the run looked them up, but for partitions. Left out if nothing is counted. */
  readonly known?: readonly KnownTable[];
  /** What triggers of the counted tables reach besides; left out if that is nothing. */
  readonly triggered?: TriggerReach;
  /** Triggers fire when a transaction ends: they must fire before the rows are counted. */
  readonly firesLate?: true;
  /** What triggers may keep although it should be deleted: each batch looks whether they did. Left out if none may. */
  readonly watched?: Watched;
  /**
   * An oversized row is not drained: its condition reads what would be deleted first, only the delete tells whether the
   * database lets it go, or `graph` is set.
   */
  readonly undrained?: true;
  /** Rows deleted in all tables for each row of the pass's own, as the statistics have it; 1 without children. */
  readonly rowsPerParent: number;
  /** Rows past this instant are deletable, as far as time decides; left out if time decides nothing. */
  readonly horizon?: string;
  /** What the horizon was computed from, if that has no fixed length: calendar months. */
  readonly period?: string;
  /** The age that the horizon is about; left out if it has none. */
  readonly ages?: Ages;
  /** The index of a scan by age, if no index has all rows and this one has all that are deletable. */
  readonly ageIndex?: PartialIndex;
  /** Deleting makes more rows deletable: the scan is repeated until it finds none. */
  readonly repeats?: true;
  /** The newest rows of groups stay: the run writes which ones into the ledger when it starts. */
  readonly keeps?: KeepLastExpiry;
  /** What references its rows, or soft children of them, and is set to null; left out if nothing is. */
  readonly cleared?: readonly ClearedChild[];
  /** The foreign keys that may forbid to delete its rows; left out if it deletes none, or none does. */
  readonly blockers?: readonly StoredBlocker[];
  /** The same pass for each table where its rows lie, if its own table is partitioned. Left out if it is not. */
  readonly leaves?: readonly StoredPass[];
  /** The tables that it works on whole. */
  readonly tables?: readonly TableName[];
}

/** What runs on behalf of a trigger besides its own function. */
export interface TriggerReach {
  /** The tables that are written. */
  readonly tables: readonly TableName[];
  /** The ids of the routines that are called. */
  readonly routines: readonly string[];
  /** A trigger of these tables fires when the transaction ends. */
  readonly firesLate: boolean;
}

/** A table as a run looked it up: another one may have its name by then, and another column that of a column. */
export interface KnownTable {
  readonly table: TableName;
  /** The id of the table in the catalog. */
  readonly id: string;
  /** The number of each column, by its name. */
  readonly columns: Readonly<Record<string, number>>;
}

/** A pass that works on whole tables. */
export interface StoredTablePass extends StoredPass {
  readonly tables: readonly TableName[];
}

export interface StoredExpireRows extends StoredPass, Expiry {
  readonly kind: 'expireRows';
  readonly leaves?: readonly StoredExpireRows[];
  readonly ages: Ages;
  readonly horizon: string;
  /** So many rows stay at most, whatever their age: `horizon` is not before the age of the last of them. */
  readonly keepAtMost?: number;
  readonly nesting: StoredNesting | null;
  /** What children, and the list of kept rows, name the row by; null if nothing does. */
  readonly key: ColumnName | null;
  readonly children: readonly StoredChild[];
  /** Soft children that a later pass deletes as orphans. */
  readonly deferred: readonly DeferredChild[];
  readonly cascades: readonly CascadeStep[];
  /** The numbers of the cascades in the order in which an oversized row is drained. */
  readonly drainOrder: readonly number[];
  readonly graph?: RowGraph;
  readonly blockers: readonly StoredBlocker[];
  /** Columns whose files are removed too: their paths are recorded with the delete. */
  readonly files?: readonly StoredPath[];
}

/** A partition that a pass may drop. */
export interface StoredPartition extends TableName {
  /** About so many rows, as the planner says. */
  readonly rows: number;
  /** Where its rows lie: the partition itself, or its own partitions. */
  readonly leaves: readonly TableName[];
  /** A view or another object depends on it, so that it cannot be dropped. */
  readonly needed?: true;
}

export interface StoredDropPartitions extends StoredTablePass {
  readonly kind: 'dropPartitions';
  readonly ages: readonly [ColumnName];
  readonly horizon: string;
  readonly lockMillis: number;
  readonly blockers: readonly StoredBlocker[];
  /** The oldest first. */
  readonly tables: readonly StoredPartition[];
}

export interface StoredDeleteOrphans extends StoredPass, ParentReference {
  readonly kind: 'deleteOrphans';
  /** Distinct parents that are expected to be named. */
  readonly keys: number;
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly pointers: readonly StoredPointer[];
  readonly cascades: readonly CascadeStep[];
  readonly blockers: readonly StoredBlocker[];
}

export interface StoredDeleteUnreferenced extends StoredPass {
  readonly kind: 'deleteUnreferenced';
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly references: readonly StoredReference[];
  /** What is deleted along although it references the row. */
  readonly cascades: readonly CascadeStep[];
  readonly drainOrder: readonly number[];
  readonly blockers: readonly StoredBlocker[];
}

export interface StoredRepointLatest extends StoredPass {
  readonly kind: 'repointLatest';
  readonly pointer: StoredPointer;
}

export interface StoredReportRows extends StoredPass {
  readonly kind: 'reportRows';
  readonly age: ColumnName;
  readonly horizon: string;
  readonly where: Predicate;
  readonly dueAt: { readonly column: ColumnName; readonly horizon: string } | null;
  /** What the handler is given; null if rows are only reported. */
  readonly key: ColumnName | null;
}

/** A file root as a run stores it: names only. Its location stays on the worker. */
export interface StoredRoot {
  readonly name: string;
  readonly recordedBy: readonly PathColumn[];
}

export interface StoredDeleteRecordedFiles extends StoredPass {
  readonly kind: 'deleteRecordedFiles';
  readonly from: readonly string[];
  readonly root: StoredRoot;
  readonly maxMissingRatio: number;
  readonly concurrency: number;
}

export interface StoredSweepStrayFiles extends StoredPass {
  readonly kind: 'sweepStrayFiles';
  readonly root: StoredRoot;
  /** Files changed at this instant or later stay. */
  readonly horizon: string;
  readonly remove: boolean;
  readonly maxStrayRatio: number;
  /** More strays than this are removed only after a preview of them; null for no limit. */
  readonly maxStrays: number | null;
  /** Globs of files that are no strays. */
  readonly exclude: readonly string[];
  readonly concurrency: number;
}

export interface StoredMeasureSize extends StoredTablePass {
  readonly kind: 'measureSize';
  readonly exact: boolean;
}

export interface StoredReclaimSpace extends StoredTablePass {
  readonly kind: 'reclaimSpace';
  readonly mode: ReclaimMode;
  /** The policy names the tables: they are meant whatever the run deleted. */
  readonly named: boolean;
  readonly window: Window | null;
  readonly lockMillis: number;
  readonly retries: number;
}
