import type { ColumnName, ColumnPairs, Predicate, TableName } from './columns.ts';

/** What a delete should remove, or set to null, and triggers may keep. */
export interface Watched {
  /** Triggers of the pass's own table that may keep its rows. */
  readonly triggers: readonly string[];
  /** By what rows reference those that are deleted, and that they no longer may. */
  readonly links: readonly WatchedLink[];
  /** Triggers that may write or delete other rows: one of the pass may be no longer what it was, or a held row be deleted. */
  readonly writers?: readonly string[];
}

/** A reference that is removed once the row that it names is deleted, unless a trigger keeps it. */
export interface WatchedLink extends RowLink {
  readonly triggers: readonly string[];
}

/** How rows of a table are nested in one another. */
export interface StoredNesting {
  /** Set while the row is nested. */
  readonly column: ColumnName;
  /** From the table down to the one whose rows the column names; empty if that is the table itself. */
  readonly chain: readonly CascadeStep[];
  /** What the column names of the last table of the chain. */
  readonly references: string;
}

/** A soft child with its table and column looked up. */
export interface StoredChild {
  readonly table: TableName;
  readonly by: ColumnName;
  /** What it names the row that it belongs to by. */
  readonly parentKey: ColumnName;
  /** The columns of a relation of several; `by` and `parentKey` are the first of them then. Left out for one column. */
  readonly on?: ColumnPairs;
  /** Which of its rows are meant; left out for all. */
  readonly where?: Predicate;
  /** The key is compared as text; left out if both have one type. */
  readonly as?: 'text';
  /**
   * It has a foreign key after all, by this column or another. The parent cannot be deleted first: the database would forbid
   * it, unlink the child for good, or delete the child before pointers at it are repaired.
   */
  readonly beforeParent: boolean;
  readonly pointers: readonly StoredPointer[];
  readonly cascades: readonly CascadeStep[];
  /** What belongs to the child in turn; left out if nothing does. */
  readonly own?: {
    readonly key: ColumnName;
    readonly children: readonly StoredChild[];
    /** Left out if there are none. */
    readonly cleared?: readonly ClearedChild[];
  };
  /** Columns whose files are removed too. */
  readonly files?: readonly StoredPath[];
}

/** A soft child that stays: its reference is set to null before the row that it names is deleted. */
export interface ClearedChild extends Pick<StoredChild, 'table' | 'by' | 'parentKey' | 'where' | 'as'> {
  readonly parent: TableName;
}

/**
 * A soft child that is left to a later pass for orphans. Without an index on the column that names the row each batch
 * would read the whole table of the child; that pass reads it once.
 */
export interface DeferredChild {
  readonly table: TableName;
  readonly by: ColumnName;
  /** What it names the row that it belongs to by. */
  readonly parentKey: ColumnName;
  /** What cascades from the child. */
  readonly cascades: readonly CascadeStep[];
  /** The name of the later pass. */
  readonly pass: string;
}

/**
 * One step that a delete takes along a foreign key with `on delete cascade`. Steps stand in an order in which each
 * one's parent comes before it; `from` is the number of the parent's step, or -1 for the table itself.
 */
export interface CascadeStep extends Link {
  readonly from: number;
  readonly table: TableName;
}

/** How rows of a table reference those of another. */
export interface Link {
  readonly on: ColumnPairs;
  /** Which of the rows that reference count, by columns of their own; left out for all. */
  readonly where?: Predicate;
}

/** A foreign key that forbids to delete a row as long as another row that stays references it. */
export interface StoredBlocker {
  /** The name of the constraint. */
  readonly name: string;
  /** Where the rows are that reference. */
  readonly reference: StoredReference;
  /** From the pass's row down to the row that is referenced, which is deleted along; empty for the row itself. */
  readonly path: readonly Omit<CascadeStep, 'from'>[];
  /**
   * From the pass's row down to rows that reference, in each way: they may be deleted along with it, or with another row of
   * the pass. An empty way is the row itself; no way means that the pass deletes no row that references.
   */
  readonly ways: readonly (readonly Omit<CascadeStep, 'from'>[])[];
}

/** A table and what is deleted along with its rows. */
export interface RowTree {
  readonly table: TableName;
  readonly cascades: readonly CascadeStep[];
  /** What soft children name a row by; null or left out if there are none. */
  readonly key?: ColumnName | null;
  readonly children?: readonly StoredChild[];
  /** What references the rows, or soft children, and is set to null; left out if nothing is. */
  readonly cleared?: readonly ClearedChild[] | undefined;
  /** What may forbid to delete a row; left out if nothing does. */
  readonly blockers?: readonly StoredBlocker[];
  /** Set if what is deleted along must be found by following links: `cascades` has all of them then, and `children` none. */
  readonly graph?: RowGraph;
  /** Left out if no trigger may keep any of it. */
  readonly watched?: Watched | undefined;
}

/** Rows of which one can be reached along several ways: they are looked for from row to row and deleted in one statement. */
export interface RowGraph {
  /** Tables whose rows pointers point at, or that record files. */
  readonly tables: readonly GraphTable[];
}

/** What else is done if rows of a table are deleted. */
export interface GraphTable {
  readonly table: TableName;
  readonly pointers: readonly StoredPointer[];
  readonly files: readonly StoredPath[];
}

/** Columns of one table that reference rows of another. */
export interface RowLink extends Link {
  readonly parent: TableName;
  readonly child: TableName;
}

/** Rows of `holder` that point at the newest row of their group in `target`. */
export interface StoredPointer {
  readonly holder: TableName;
  readonly pointer: ColumnName;
  readonly holderGroup: ColumnName;
  readonly target: TableName;
  readonly targetKey: ColumnName;
  readonly targetGroup: ColumnName;
  readonly newest: ColumnName;
  /** Columns that the holder copies from the target. */
  readonly copy: readonly { readonly to: ColumnName; readonly from: ColumnName }[];
  /** What cascades from the holder. */
  readonly cascades: readonly CascadeStep[];
}

/** A column that references the key of a parent, without a foreign key. */
export interface ParentReference {
  readonly table: TableName;
  readonly by: ColumnName;
  readonly parent: TableName;
  readonly parentKey: ColumnName;
}

/** Columns of a table that reference rows of another, by a foreign key or without one. */
export interface StoredReference extends Link {
  readonly table: TableName;
  /** An index leads from a row to those that reference it. */
  readonly indexed: boolean;
}

/** How a row records paths. */
export interface RecordedPaths {
  /** The column with a path, or with a list of paths; the first of the columns that a pattern names. */
  readonly column: ColumnName;
  /** What stands one after another in the path, if it is computed: texts and columns. Left out if the column has it. */
  readonly parts?: readonly (string | ColumnName)[];
  /** Where the paths stand in the JSON of the column: names of members, and null for all elements of a list. */
  readonly json?: readonly (string | null)[];
}

/** What a table records of paths. */
export interface PathColumn extends RecordedPaths {
  readonly table: TableName;
}

/** What rows record of paths of files below a root. */
export interface StoredPath extends RecordedPaths {
  /** The name of the root. */
  readonly root: string;
}
