import type { TableName } from '../stored/columns.ts';

/** Statements that a person may run: they are printed and never executed. */
export interface Advice {
  /** Builds an index, without locking out writers if the database can. */
  suggestIndex(table: TableName, column: string): string;
  /** Builds an invalid index again. */
  suggestRebuild(index: string): string;
  /** Removes dead rows of a table, by its label. */
  suggestVacuum(label: string): string;
  /** Gives back what is empty in the indexes of a table, by its label; left out if there is no such statement. */
  suggestReindex?(label: string): string;
  /** What a role needs to work with the ledger. */
  suggestGrants(schema: string): string;
  /** What a role needs that makes backups: left out if a backup is a copy of the file. */
  suggestBackupGrants?(schema: string): string;
}
