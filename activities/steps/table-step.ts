import type { Pass } from '../../policy/pass.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import type { Holds } from '../dialect/view.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { TableName } from '../stored/columns.ts';
import type { Note, RowsByTable } from '../stored/report.ts';

/** One table to work on. */
export interface TableStep {
  readonly session: Session;
  readonly ledger: Ledger;
  readonly run: number;
  /** The number of the pass in the plan. */
  readonly pass: number;
  readonly table: TableName;
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
