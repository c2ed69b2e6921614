import type { Ages, ColumnName, TableName } from '../stored/columns.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type { ParentReference, RowTree, StoredNesting, StoredPointer } from '../stored/row-tree.ts';
import type { Condition, View } from './view.ts';

/** Counts, in one statement on one snapshot, what passes would delete one after the other. Writes nothing. */
export interface PreviewQuery {
  /** What is added from here on belongs to this pass. */
  startPass(name: string): void;
  /** The tables without what the passes so far delete. */
  readonly view: View;
  /** Adds rows that a pass deletes, with what is deleted along with them. */
  addDeleted(deleted: PreviewedDelete): void;
  /** Adds the repair of all pointers that point at nothing. */
  addRepair(pointer: StoredPointer): void;
  /** Adds rows that are reported and stay, with the age of the oldest. */
  addFound(table: TableName, age: ColumnName, where: Condition): void;
  /** The pass records the files, of these roots, of the rows that it deletes. */
  recordFiles(roots: readonly string[]): void;
  /** The files of the rows so far: `which` says which passes count, and whether they record files of the root. */
  lookForPaths(root: StoredRoot, which: WhichPasses): DeletedPaths;
  /** Runs the statement. */
  count(): Promise<readonly PreviewCount[]>;
  /** Has the server plan the statement without running it. */
  plan(): Promise<void>;
}

/** Whether a pass counts; `records`: it records files of the root. */
export type WhichPasses = (pass: string, records: boolean) => boolean;

/** Rows that a pass deletes, for a preview. */
export interface PreviewedDelete {
  readonly tree: RowTree;
  readonly where: Condition;
  /** Those of them that no hold keeps; undefined if no hold is about the tables. */
  readonly notHeld: Condition | undefined;
  /** Those of them that no row references which stays; undefined if no foreign key forbids a delete. */
  readonly notReferenced: Condition | undefined;
  /** Rows of the table that stay only because they have no age; undefined if the pass asks for none. */
  readonly undated?: Condition | undefined;
  /** The age by which the range of the rows is reported. */
  readonly ages: Ages;
  readonly nesting?: StoredNesting | null;
  /** They are orphans by this column of this parent. */
  readonly orphansOf?: ParentReference;
  readonly pointers?: readonly StoredPointer[];
}

export interface PreviewCount {
  readonly pass: string;
  readonly label: string;
  readonly what:
    | 'deleted'
    | 'moved'
    | 'held'
    | 'blocked'
    | 'undated'
    | 'found'
    | 'oldest found'
    | 'oldest'
    | 'newest';
  /** Rows, or milliseconds since the epoch; null if there is nothing. */
  readonly value: number | null;
}

/** The paths that deleted rows record and no row that stays. */
export interface DeletedPaths {
  /** Reads them some at a time; with those that wait in the ledger for these passes of a policy, if given. */
  read(
    chunk: number,
    waiting: { readonly policy: string; readonly passes: readonly string[] } | undefined,
    work: (paths: readonly string[]) => Promise<void>,
  ): Promise<void>;
  /** Those of some paths that a row records that stays. */
  findStillRecorded(paths: readonly string[]): Promise<readonly string[]>;
}
