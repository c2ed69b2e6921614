import type { ColumnName, Predicate, TableName } from '../stored/columns.ts';
import type { RowTree, StoredPath, StoredPointer, WatchedLink } from '../stored/row-tree.ts';
import type { Condition, Holds, Instant } from './view.ts';

/** The paths of the deleted rows, written into the ledger by the statement that deletes. */
export interface Recording {
  readonly paths: readonly StoredPath[];
  readonly outbox: Outbox;
}

/** The files that wait in the ledger to be removed, as one pass of a run sees them. */
export interface Outbox {
  readonly policy: string;
  /** The pass that is at work. */
  readonly pass: string;
  readonly run: number;
}

/** What a delete removed. */
export interface DeletedRows {
  readonly rows: number;
  /** For each column asked for, its distinct values among the rows deleted, without null. */
  readonly groups: readonly (readonly string[])[];
}

/** What a delete removed of a graph of rows. */
export interface DeletedGraph {
  /** Those of the own table that were deleted for themselves. */
  readonly rows: number;
  /** For each pointer at a table, by its label, the groups of the rows that were deleted from it. */
  readonly groups: (label: string) => readonly (readonly string[])[];
}

/** Rows that belong to some keys without a foreign key. */
export interface OwnedRows {
  readonly table: TableName;
  readonly by: ColumnName;
  readonly keys: readonly string[];
  /** The column that the keys are of: its type may have values that `by` has no room for. */
  readonly key: ColumnName;
  /** The most rows; undefined for all. */
  readonly limit?: number | undefined;
  /** Which of them: those that no hold keeps, and that the policy means; undefined for all. */
  readonly which?: Condition | undefined;
}

/** Rows that are about to be deleted, by the columns that a link references. Only the dialect that read them knows how. */
export interface ReferencedRows {
  readonly link: WatchedLink;
  /** A JSON array of rows, each an array of values. */
  readonly keys: string;
  /** The types of the columns, if the database needs them to compare. */
  readonly types: readonly string[];
}

/** A row that a person named by its primary key. */
export interface FoundRow {
  readonly column: ColumnName;
  /** As the database writes it: what a person types may differ, as a UUID in capitals does. */
  readonly key: string;
  readonly location: string;
}

/** A value of a key, as a person wrote it. */
export interface KeyValue {
  readonly column: ColumnName;
  readonly value: string;
}

/** Where a row lies. */
export interface RowPlace {
  readonly location: string;
  /** Over alias `t`: it is the row, by the values of its key as the database has them. */
  readonly condition: Predicate;
  /** The partition, if the table is partitioned. */
  readonly leaf?: Pick<TableName, 'schema' | 'name'>;
}

/** What a condition says of a row, part by part. */
export interface Evaluated {
  readonly deletable: boolean;
  readonly parts: readonly { readonly holds: boolean; readonly dueAt: string | null }[];
}

/** A row of a pass, and which others must be deleted with it. */
export interface ChainedRow {
  readonly location: string;
  /** Rows of the pass that reference it, or are deleted along with rows that do; null for one that stays. */
  readonly needs: readonly (string | null)[];
}

/** Deletes and asks about rows whose key or location is known. */
export interface Rows {
  /** How many rows the holds name that are there. */
  countHeld(holds: Holds): Promise<number>;
  /** Deletes rows that this transaction has locked, if the condition is still true of them. */
  deleteAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    groups?: readonly ColumnName[],
    recording?: Recording,
  ): Promise<DeletedRows>;
  /**
   * Locks what is deleted along with some locked rows if rows are found by following links: see `RowGraph`. `where` is
   * evaluated again.
   */
  lockGraph(tree: RowTree, locations: readonly string[], where: Condition): Promise<void>;
  /**
   * Deletes locked rows of which the condition is true and all that is deleted along with them, in one statement. Throws if
   * not all could be deleted.
   */
  deleteGraph(
    tree: RowTree,
    locations: readonly string[],
    where: Condition,
    outbox: Outbox,
  ): Promise<DeletedGraph>;
  /**
   * What some rows, and all that is deleted along with them, are referenced by along some links; to be read before they are
   * deleted. `cascades` of the tree are all links to follow.
   */
  readReferenced(
    tree: RowTree,
    links: readonly WatchedLink[],
    locations: readonly string[],
    where: Condition,
  ): Promise<readonly ReferencedRows[]>;
  /** The links along which rows still reference what was read before. */
  findLeft(referenced: readonly ReferencedRows[]): Promise<readonly WatchedLink[]>;
  /** Whether the condition is still true of a row, in a statement of its own. */
  isTrueAt(table: TableName, location: string, where: Condition): Promise<boolean>;
  deleteOwned(owned: OwnedRows, groups?: readonly ColumnName[], recording?: Recording): Promise<DeletedRows>;
  /** Sets the column by which rows belong to some keys to null. Returns how many. */
  clearOwned(owned: OwnedRows): Promise<number>;
  /** Locks the rows that belong to some keys. Returns their own keys. */
  lockOwned(owned: OwnedRows, key: ColumnName): Promise<string[]>;
  /**
   * Some rows of a tree, and the deletable rows that reference them, or what is deleted along with them, by foreign keys
   * within the tree; and those that reference these, and so on. At most `limit`.
   */
  findChain(
    tree: RowTree,
    deletable: Condition,
    locations: readonly string[],
    limit: number,
  ): Promise<readonly ChainedRow[]>;
  /** Locks those of some rows that nobody else has locked and of which a condition is true, with their keys. */
  lockAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    key: ColumnName | null,
  ): Promise<readonly { readonly location: string; readonly key: string | null }[]>;
  /** How many rows are deleted with each of some rows, itself included; counts up to `limit` along each path. */
  countDependents(tree: RowTree, locations: readonly string[], limit: number): Promise<number[]>;
  /** Deletes some rows of one cascade step of a row, but for those that are held. Returns how many. */
  deleteDependents(
    tree: RowTree,
    location: string,
    step: number,
    limit: number,
    holds: Holds,
  ): Promise<number>;
  /** Locks the holders of some groups, in the order of the groups so that two batches never wait for each other. */
  lockHolders(pointer: StoredPointer, groups: readonly string[]): Promise<string[]>;
  /**
   * Moves locked holders that point at nothing to the newest survivor of their group, and deletes them if there is none,
   * unless a hold keeps them. Returns how many moved.
   */
  repointHolders(
    pointer: StoredPointer,
    locations: readonly string[],
    notHeld: Condition | undefined,
  ): Promise<number>;
  /** Which of some keys belong to rows of which the condition is true. */
  filterKeys(
    table: TableName,
    key: ColumnName,
    keys: readonly string[],
    where: Condition,
  ): Promise<ReadonlySet<string>>;
  find(table: TableName, column: ColumnName, key: string): Promise<FoundRow | undefined>;
  /** Finds a row by all columns of its key; undefined if there is none. */
  locate(table: TableName, key: readonly KeyValue[]): Promise<RowPlace | undefined>;
  /** Evaluates a condition and its parts on one row; undefined if it is not there. */
  evaluate(
    table: TableName,
    location: string,
    whole: Condition,
    parts: readonly { readonly test: Condition; readonly dueAt?: Instant }[],
  ): Promise<Evaluated | undefined>;
  /** Rows of the tree's table with which a row would be deleted along, the deletable ones first; at most `limit`. */
  findAncestors(
    tree: RowTree,
    row: { readonly table: TableName; readonly location: string },
    deletable: Condition,
    limit: number,
  ): Promise<string[]>;
  /** Whether another session has the row locked. */
  isLocked(table: TableName, location: string): Promise<boolean>;
}
