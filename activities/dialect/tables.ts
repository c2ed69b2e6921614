import type { Ages, ColumnName, PartialIndex, TableName } from '../stored/columns.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type { PathColumn } from '../stored/row-tree.ts';
import type { CatalogTable } from './catalog.ts';
import type { Condition } from './view.ts';

/** What a pass asks of a sample of its table. */
export interface SampleRequest {
  readonly where: Condition;
  /** The column of an index scan, and whether its work lies with the rows of the condition or with all. */
  readonly column?: { readonly name: ColumnName; readonly of: 'deletable' | 'all' };
  /** For the age of the oldest row; left out if the rows have none. */
  readonly ages?: Ages | undefined;
  /** Into how many parts to cut. */
  readonly parts: number;
}

/** What a sample of a table says about the rows that a pass would delete. */
export interface Sample {
  /** Rows of the table of which the condition is true, extrapolated. */
  readonly rows: number;
  /** The standard error of `rows`; 0 if the table was read whole. */
  readonly error: number;
  /** The most of these rows that share one value of the column, extrapolated; 1 without a column. */
  readonly ties: number;
  /** Rows of the table, extrapolated. */
  readonly tableRows: number;
  /** Pages that cut the rows into equal parts. */
  readonly pageCuts: readonly number[];
  /** Values of the column that cut them, or all rows, into equal parts. */
  readonly columnCuts: readonly string[];
  /** Positions of the first row, the last, and of cuts between them: see `Spread`. */
  readonly pageMarks: readonly number[];
  readonly columnMarks: readonly string[];
  /** The least value of the column among the rows. */
  readonly oldest: string | null;
  /** The age of the oldest of the rows; null if there is none. */
  readonly oldestSeconds: number | null;
}

/** Rows of which a condition is true. */
export interface CountedRows {
  readonly rows: number;
  /** The age of the oldest; null if there is none or it is not known. */
  readonly oldestSeconds: number | null;
}

/** The same of the oldest rows. */
export interface OldestRows extends CountedRows {
  /** There are no others. */
  readonly complete: boolean;
}

/** A table's size in rows, and its oldest and newest age in milliseconds since the epoch. */
export interface TableRange {
  readonly rows: number;
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** Questions about whole tables. They change nothing. */
export interface Tables {
  /** Reads a few random pages once, for all requests. */
  sample(table: CatalogTable, requests: readonly SampleRequest[]): Promise<Sample[]>;
  /** Counts rows. Reads the whole table if no index helps. */
  count(table: TableName, where: Condition, ages: Ages | undefined): Promise<CountedRows>;
  /** Counts rows among the oldest `entries` up to an age, by the index on it. `index` is set if that has only some rows. */
  countOldest(
    table: TableName,
    where: Condition,
    ages: Ages,
    until: string,
    entries: number,
    index?: PartialIndex,
  ): Promise<OldestRows>;
  /**
   * The partial index, of some that begin with a column, that has all rows of which a condition is true and the column is not
   * null, as the planner says; undefined if none has.
   */
  findPartialIndex(
    table: TableName,
    column: ColumnName,
    where: Condition,
    names: readonly string[],
  ): Promise<PartialIndex | undefined>;
  /** Rows of a table, counted no further than `most`: the least of both. */
  countUpTo(table: TableName, most: number): Promise<number>;
  /** Whether a table has a row that is not older than an instant. `isIndexed`: a whole index begins with the only age. */
  hasRowSince(table: TableName, ages: Ages, instant: string, isIndexed: boolean): Promise<boolean>;
  /**
   * The age of the n-th newest of the rows of which a condition is true, in whole milliseconds since the epoch, rounded down;
   * null if there are fewer. Reads the whole table if no index on the age helps.
   */
  findNthAge(table: TableName, where: Condition, ages: Ages, nth: number): Promise<number | null>;
  /** Reads the whole table. */
  readRange(table: TableName, ages: Ages | undefined): Promise<TableRange>;
  /** The numbers of the files that some row records, in any spelling; with `outbox`, also those that wait in it. */
  findRecorded(root: StoredRoot, spellings: Spellings, outbox: boolean): Promise<ReadonlySet<number>>;
  /**
   * Has the server plan the delete of rows of a table, or, if there are columns, the update of these, without running it.
   * Throws what the database says of it, after which a transaction must be undone to a savepoint.
   */
  tryChange(table: TableName, columns: readonly string[]): Promise<void>;
  /** The next paths that rows record after one, each once, in the order of the column. Without an index it sorts all. */
  readPaths(recorded: PathColumn, after: string | null, limit: number): Promise<string[]>;
  /** Rows of which some paths cannot be read, as JSON that has something else where the paths should be. */
  countUnreadable(recorded: PathColumn): Promise<number>;
  /** Has the server plan a condition without running it. Throws what the database says of it. */
  tryCondition(table: TableName, where: Condition): Promise<void>;
}

/** Ways to write the paths of files, and the number of the file that each is for. */
export interface Spellings {
  readonly texts: readonly string[];
  readonly files: readonly number[];
}
