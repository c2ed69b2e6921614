import type { TableName } from '../stored/columns.ts';

/** What a database says of all its tables, for somebody who does not know them yet. */
export interface Survey {
  /** All tables of the database, largest first, without its own, those of the ledger, and temporary ones. */
  listTables(): Promise<SurveyedTable[]>;
  /**
   * Values of columns of a table: those that the statistics have, or those of the first rows if there are no statistics.
   * Columns that the role may not read are left out.
   */
  readValues(table: TableName, columns: readonly string[]): Promise<ColumnValues[]>;
}

/** A table, with how large it is and how it came to be so. */
export interface SurveyedTable extends TableName {
  /** With indexes and large values; of a partitioned table without its partitions. */
  readonly bytes: number;
  /** Rows written since the counters of the database were reset; null if it does not count them. */
  readonly written: { readonly inserted: number; readonly updated: number } | null;
  /** How a partitioned table tells its partitions apart; null if it is not partitioned. */
  readonly partitionedBy: 'range' | 'list' | 'hash' | null;
  /** The label of the table that it is a partition of; null if it is none. */
  readonly partitionOf: string | null;
}

/** What is known of the values of a column. */
export interface ColumnValues {
  readonly column: string;
  /** The share of rows in which it is null, 0 to 1. */
  readonly nullShare: number;
  /** Some values as text, the most frequent ones first; of an enumeration all its labels. */
  readonly values: readonly string[];
}
