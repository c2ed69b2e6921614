import type { Ages, ColumnName, Predicate, TableName } from './columns.ts';

/** Which rows can expire, and when. */
export interface Expiry {
  readonly ages: Ages;
  /** The latest of all horizons: nothing younger can be expired. */
  readonly horizon: string;
  readonly where: Predicate;
  /** The last one has no condition. */
  readonly retentions: readonly StoredRetention[];
}

/** Rows of one table that expire, and the key that names them. */
export interface KeepLastExpiry extends Expiry {
  readonly table: TableName;
  /** Null if no retention keeps a number of rows. */
  readonly key: ColumnName | null;
}

/** How long some rows are kept. Of several the first whose condition is true counts. */
export interface StoredRetention {
  /** Which rows; null for all that no earlier one names. */
  readonly where: Predicate | null;
  /** The instant before which they are expired; null if they are kept for ever. */
  readonly horizon: string | null;
  /** What the horizon was computed from, if that has no fixed length: calendar months. */
  readonly period?: string;
  readonly keep: StoredKeep | null;
  /** The column that says how long; `horizon` is that of rows in which it is null. */
  readonly column?: StoredRetentionColumn;
}

/** How many rows of a group stay, and which columns make a group. */
export interface StoredKeep {
  readonly count: number;
  readonly per: readonly ColumnName[];
}

/** A retention that stands in a column of the row, or of its parent. */
export interface StoredRetentionColumn {
  readonly column: ColumnName;
  /** The parent with the column; null if the row has it. */
  readonly parent: { readonly table: TableName; readonly key: ColumnName; readonly by: ColumnName } | null;
  /** The column is an interval of the database; left out if it is a number. */
  readonly isInterval?: true;
  /** What the number counts, in milliseconds; 1 for an interval. */
  readonly unitMillis: number;
  /** A number that means less keeps its row. */
  readonly leastMillis: number;
  /** What ages are counted from: the horizon of a retention of nothing. */
  readonly horizon: string;
}
