import type { ColumnName, TableName } from '../stored/columns.ts';
import type { StoredPartition } from '../stored/pass.ts';

/** The partitions of tables that are partitioned by range of an age. */
export interface Partitions {
  /**
   * The partitions of a table whose upper bound lies at or before a horizon, so that all of their rows are older; the oldest
   * first. Not the default one, and none with rows on another server. `only` is one that was found before: it is looked at
   * again, without another estimate of its rows. Default: all.
   */
  findPast(
    table: TableName,
    age: ColumnName,
    horizon: string,
    only?: StoredPartition,
  ): Promise<StoredPartition[]>;
  /**
   * The upper bound of the partition of a table, or of the one below it, where a row lies, in ISO 8601; null if it has none, as
   * the default one. Undefined if that is no partition of the table. A bound without a time zone is read as UTC.
   */
  findBound(table: TableName, age: ColumnName, leaf: TableName): Promise<string | null | undefined>;
  /**
   * The tables where rows of partitions lie of which no row is older than a horizon, by the lower bound. Empty if the table is
   * partitioned by something else than the age.
   */
  findYoung(table: TableName, age: ColumnName, horizon: string): Promise<TableName[]>;
  /** Keeps others from changing rows of a partition until the transaction ends; they can read them. */
  lock(partition: TableName): Promise<void>;
  /**
   * Drops a partition that this transaction has locked. Nobody can use the table from then on until the transaction ends.
   * Returns `needed` if rows still reference its rows, or another object depends on it; throws an error of kind `lock` if
   * others use the table each time for longer than `lockMillis`. The signal ends waiting.
   */
  drop(
    table: TableName,
    partition: TableName,
    lockMillis: number,
    signal: AbortSignal,
  ): Promise<'dropped' | 'needed'>;
}
