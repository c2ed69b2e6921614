import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { Ages, ColumnName, Predicate, TableName } from '../stored/columns.ts';
import type { Cursor } from '../stored/cursor.ts';
import type {
  CascadeStep,
  Expiry,
  KeepLastExpiry,
  ParentReference,
  RowTree,
  StoredChild,
  StoredNesting,
  StoredPath,
  StoredPointer,
  StoredReference,
  StoredRoot,
} from '../stored/pass.ts';
import type { Shard } from '../stored/scan.ts';
import type { Bloat, TableSize, VacuumBlockers } from '../stored/size.ts';
import type { Catalog, CatalogTable, WantedTable } from './catalog.ts';
import type { LedgerStore } from './ledger-store.ts';

/*
 * Everything that differs between databases. `postgresql/` implements it; no SQL text and no driver import stands outside
 * of this folder. A row's location, a condition and a cursor are opaque above the seam: only the dialect that made one
 * reads it.
 */

// Time and transactions

/** How long a transaction may wait and work, in milliseconds. 0 is no limit. */
export interface TransactionLimits {
  /** For one lock. */
  readonly lockMillis: number;
  /** For one statement. */
  readonly statementMillis: number;
}

/** When a transaction is out of time. */
export interface Deadline {
  /** By `performance.now()`. */
  readonly at: number;
  /** The time that it has in all, which is the limit of its first statement. */
  readonly millis: number;
}

/** An open database: what can be asked of it, each outside of a transaction or on the transaction that it is. */
export interface Session {
  /** Runs work in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs work on one read-only snapshot: all that it reads is of one instant. */
  snapshot<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Whether some session holds a key: see {@link Session.holdKey}. */
  isKeyHeld(key: string): Promise<boolean>;
  /** Holds a key for as long as the session of a connection lives, so that others can see that it does. Returns what ends it. */
  holdKey(key: string): Promise<() => Promise<void>>;
  readonly facts: Facts;
  readonly tables: Tables;
  readonly ledger: LedgerStore;
  /** The conditions that can be asked of rows of the tables as they are. */
  view(given?: ViewOptions): View;
  /** Starts to count what passes would delete, one after the other. */
  startPreview(catalog: Catalog, holds: Holds | undefined): PreviewQuery;
  /** Missing if the database cannot tell. */
  readonly sizes?: Sizes;
  /** Missing if the database cannot give space of one table back. */
  readonly reclaim?: Reclaim;
}

/** A transaction in which statements run. */
export interface Tx extends Session {
  /** Runs work in a savepoint that is undone afterwards, so that its error does not end the transaction. */
  tryAndUndo<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work in a savepoint, and undoes it if it fails: the transaction can go on. */
  undoOnError<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work, and asks the server to end its statement when the signal fires. */
  cancelOn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** Limits the statements that follow, or until the savepoint that they are in is undone. */
  limitStatements(millis: number): Promise<void>;
  /**
   * Leaves the next statements no more than the rest of the transaction's time. Throws an error of kind `timeout` if
   * nothing is left.
   */
  enforceDeadline(deadline: Deadline | undefined): Promise<void>;
  readonly fence: Fence;
  readonly scan: ScanRows;
  readonly rows: Rows;
}

// One batch at a time

/** Keeps the batches of a shard apart, and reads what they need when they start. Keys are opaque texts. */
export interface Fence {
  /**
   * Becomes the only writer of a shard until the transaction ends, and marks its run as having a batch under way. `counted`
   * are the tables of which the deleted rows are counted.
   */
  enterBatch(shardKey: string, runKey: string, counted: readonly TableName[]): Promise<EnteredBatch>;
  /** Waits until no batch of a run is under way and keeps new ones out until this transaction ends. */
  waitForBatches(runKey: string): Promise<void>;
  /** Makes concurrent transactions with the same key go one after the other. */
  takeTurns(key: string): Promise<void>;
  /** Reports what this session did to the server's statistics when the transaction commits. */
  flushStatistics(): Promise<void>;
}

/** What a batch found when it started. */
export interface EnteredBatch {
  /** False if another attempt is at work on the shard, or the run is being closed. */
  readonly entered: boolean;
  /** Counts what the batch deletes from here on, cascades included; for {@link LedgerStore.recordBatch}. */
  readonly counters: DeletionCounters;
  readonly holds: Holds;
}

/** Counters of deleted rows. Only the dialect that made them reads them. */
export interface DeletionCounters {
  readonly tables: readonly TableName[];
  readonly before: readonly string[];
}

// Facts

/** What the database says of itself. */
export interface Facts {
  readServer(): Promise<Server>;
  /** Which database it is, by what a restore from a backup changes and a move of its files does not. */
  readIdentity(): Promise<Identity>;
  /** The database's clock, in milliseconds since the epoch. */
  readClock(): Promise<number>;
  /** Reads the catalog for some tables, in a fixed number of statements. */
  readCatalog(wanted: readonly WantedTable[]): Promise<Catalog>;
  /** Reads one table by its own name, without foreign keys; undefined if it is not there. */
  readTable(table: TableName): Promise<CatalogTable | undefined>;
}

export interface Server {
  /** The product and its major version, like `PostgreSQL 18`. */
  readonly product: string;
  readonly role: string;
  /** The start of the transaction, as `to_json` writes it. */
  readonly now: string;
  /** The oldest version that is tested, if this one is older; else null. */
  readonly tooOld: string | null;
  /** What makes it unusable: a sentence for each and what to do; empty if nothing does. */
  readonly problems: readonly { readonly what: string; readonly fix: string }[];
  /** Foreign keys do nothing in this session. */
  readonly ignoresForeignKeys: boolean;
}

export interface Identity {
  /** Of the server; null if the role may not know. */
  readonly systemIdentifier: string | null;
  readonly databaseOid: string;
}

// Conditions

declare const opaque: unique symbol;

/** A condition over one row of a table. Only the dialect that made it reads it. */
export interface Condition {
  readonly [opaque]: 'condition';
}

/** An instant that depends on a row. Only the dialect that made it reads it. */
export interface Instant {
  readonly [opaque]: 'instant';
}

/** What a view depends on besides the tables. */
export interface ViewOptions {
  readonly holds?: Holds;
  /** The list of a run; without it the newest rows of groups are found anew, which reads the whole table. */
  readonly keepLast?: KeepLastList;
  /** The start of the run that would be, by the database's clock; for {@link View.dueWhenOlder} only. */
  readonly now?: string;
}

/**
 * The tables as a pass finds them, and the conditions that can be asked of a row of its table: as they are for a run,
 * without what earlier passes would delete for a preview.
 */
export interface View {
  all(conditions: readonly Condition[]): Condition;
  not(condition: Condition): Condition;
  matches(filter: Predicate): Condition;
  isNull(column: ColumnName): Condition;
  isNotNull(column: ColumnName): Condition;
  hasAge(ages: Ages): Condition;
  isOlder(age: ColumnName, horizon: string): Condition;
  /** The row is past the horizon of the retention that counts for it. */
  isExpired(expiry: Pick<Expiry, 'ages' | 'horizon' | 'retentions'>): Condition;
  /** The retention that counts for the row has an end. */
  canExpire(expiry: Pick<Expiry, 'ages' | 'retentions'>): Condition;
  /** The instant from which the row is older, if it stays as it is: horizons move on with the clock. */
  dueWhenOlder(age: ColumnName, horizon: string): Instant;
  dueWhenExpired(expiry: Pick<Expiry, 'ages' | 'retentions'>): Instant;
  hasNoParent(reference: ParentReference): Condition;
  isUnreferenced(references: readonly StoredReference[]): Condition;
  /** The row is none of the newest of its group that stay. */
  isNotKept(expiry: KeepLastExpiry): Condition;
  /** As many rows of the row's group as are to stay are still there and match. */
  isGroupFull(expiry: KeepLastExpiry): Condition;
  /** The holder names a target that is not there. One that names none, or no group, does not count. */
  isStale(pointer: StoredPointer): Condition;
  /** Its group has nothing left that the holder could be moved to. */
  hasNoSurvivor(pointer: StoredPointer): Condition;
  /** No hold names the row or what is deleted along with it; undefined if no hold is about any of these tables. */
  isNotHeld(tree: RowTree): Condition | undefined;
}

/** The rows that a pass of a run keeps, as the ledger has them. */
export interface KeepLastList {
  readonly run: number;
  readonly pass: number;
}

/** A table that has rows that nobody may delete: some by key, or those that a condition names. */
export interface HeldRows {
  readonly schema: string;
  readonly name: string;
  /** The table that the hold names, if the rows are in a partition of it. */
  readonly of: { readonly schema: string; readonly name: string };
  /** The primary key; null if a condition names the rows. */
  readonly key: ColumnName | null;
  readonly condition: Predicate | null;
}

/** The holds in force. Empty most of the time: then nothing is looked at. */
export interface Holds {
  readonly rows: readonly HeldRows[];
  /** They are those that will be in force from this instant on, ISO 8601; left out for now. */
  readonly from?: string;
}

// Scans

/** The rows of a scan. */
export interface ScanTarget {
  readonly table: TableName;
  /** The column of a scan by age; null if there is none. */
  readonly age: ColumnName | null;
  readonly where: Condition;
  /** The paths that a delete records. */
  readonly recording?: Recording | undefined;
  /** What stays although `where` is true of it. */
  readonly keeps?: { readonly expiry: KeepLastExpiry; readonly list: KeepLastList } | undefined;
}

/** Where a scan stands and how much it may take. */
export interface ScanStep {
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** Rows to aim at. */
  readonly limit: number;
  /** Never more rows than the limit; else a range of pages may have a few more. */
  readonly exact: boolean;
  /** How many rows to read in physical order for each that is wanted. */
  readonly readFactor: number;
}

/** Where the shard goes on. */
export interface ScanEnd {
  readonly cursor: Cursor;
  readonly done: boolean;
}

/** What a statement that finds and deletes deleted. */
export interface DeletedRange extends ScanEnd {
  readonly rows: number;
  /** The keys of the rows; empty if none were asked for. */
  readonly keys: readonly string[];
  /** The rows found over those that were wanted; left out if the scan has no limit. */
  readonly filled?: number;
}

/** Rows that a batch found and locked, and where the scan goes on after each of them. */
export interface LockedRows {
  /** They hold until the transaction ends. */
  readonly locations: readonly string[];
  /** Their keys, in the same order; null if none were asked for. */
  readonly keys: readonly (string | null)[];
  /** Rows that were found, with those that somebody else has locked. */
  readonly candidates: number;
  /** The number of each row among the candidates, from 1. */
  readonly ranks: readonly number[];
  /** Where to go on after the row of this number. */
  readonly cursorAfter: (row: number) => Cursor;
  /** Where to go on after all of them. */
  readonly end: ScanEnd;
}

/** Rows that were read without a lock. */
export interface ReadRows extends ScanEnd {
  readonly rows: number;
  /** The age of the oldest, in milliseconds since the epoch; null if there is none. */
  readonly oldest: number | null;
  readonly keys: readonly string[];
}

/** Orphans of a range of a scan. */
export interface OrphanTarget extends ParentReference {
  /** Which rows that name a parent, whether the parent exists or not. */
  readonly where: Condition;
}

/** The part of a scan that a batch for orphans works on. */
export interface OrphanRange extends ScanEnd {
  /** Opaque: some parent keys, or a range of locations. */
  readonly among: { readonly keys: readonly string[] } | { readonly range: unknown };
  /** One parent key alone has at least as many rows as the limit: delete that many and look again from here. */
  readonly oversized?: { readonly cursor: Cursor };
  readonly isEmpty: boolean;
}

/** Finds rows in the order of a scan. */
export interface ScanRows {
  /** Finds and deletes in one statement. Waits for a row that is locked. `key` is returned of each row. */
  deleteRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<DeletedRange>;
  /** Finds rows and locks those that nobody else has locked. */
  lockRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<LockedRows>;
  /** Reads rows without touching or locking them. */
  readRange(target: ScanTarget, step: ScanStep, key?: ColumnName): Promise<ReadRows>;
  /** Counts the rows between two cursors of a shard that only holds keep. `by` is the column of the scan. */
  countRange(
    target: Pick<ScanTarget, 'table' | 'where'> & { readonly by: ColumnName | null },
    from: ScanStep,
    to: ScanEnd,
  ): Promise<number>;
  /** Finds where orphans lie, at most as many as the limit. */
  findOrphans(target: OrphanTarget, step: ScanStep): Promise<OrphanRange>;
  /** Deletes the orphans of a range in one statement; no more than `limit`, if one is given. */
  deleteOrphans(target: OrphanTarget, range: OrphanRange, limit?: number): Promise<number>;
  /** Locks the orphans of a range that nobody else has locked. */
  lockOrphans(target: OrphanTarget, range: OrphanRange, limit: number): Promise<LockedRows>;
}

// Rows by key and by location

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

/** Rows that belong to some keys without a foreign key. */
export interface OwnedRows {
  readonly table: TableName;
  readonly by: ColumnName;
  readonly keys: readonly string[];
  /** The most rows; undefined for all. */
  readonly limit?: number | undefined;
  /** Those that no hold keeps; undefined if there are no holds. */
  readonly notHeld?: Condition | undefined;
}

/** A row that a person named by its primary key. */
export interface FoundRow {
  readonly column: ColumnName;
  /** As the database writes it: what a person types may differ, as a UUID in capitals does. */
  readonly key: string;
  readonly location: string;
}

/** What a condition says of a row, part by part. */
export interface Evaluated {
  readonly deletable: boolean;
  readonly parts: readonly { readonly holds: boolean; readonly dueAt: string | null }[];
}

/** Deletes and asks about rows whose key or location is known. */
export interface Rows {
  /** Deletes rows that this transaction has locked, if the condition is still true of them. */
  deleteAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    groups?: readonly ColumnName[],
    recording?: Recording,
  ): Promise<DeletedRows>;
  /** Whether the condition is still true of a row, in a statement of its own. */
  isTrueAt(table: TableName, location: string, where: Condition): Promise<boolean>;
  deleteOwned(owned: OwnedRows, groups?: readonly ColumnName[], recording?: Recording): Promise<DeletedRows>;
  /** Locks the rows that belong to some keys. Returns their own keys. */
  lockOwned(owned: OwnedRows, key: ColumnName): Promise<string[]>;
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

// Whole tables

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
  /** Counts rows among the oldest `entries` up to an age, by the index on it. */
  countOldest(
    table: TableName,
    where: Condition,
    ages: Ages,
    until: string,
    entries: number,
  ): Promise<OldestRows>;
  /** Rows of a table, counted no further than `most`: the least of both. */
  countUpTo(table: TableName, most: number): Promise<number>;
  /** Whether a table has a row that is not older than an instant. */
  hasRowSince(table: TableName, ages: Ages, instant: string): Promise<boolean>;
  /** Reads the whole table. */
  readRange(table: TableName, ages: Ages | undefined): Promise<TableRange>;
  /** The numbers of the files that some row records, in any spelling; with `outbox`, also those that wait in it. */
  findRecorded(root: StoredRoot, spellings: Spellings, outbox: boolean): Promise<ReadonlySet<number>>;
  /** Has the server plan a condition without running it. Throws what the database says of it. */
  tryCondition(table: TableName, where: Condition): Promise<void>;
}

/** Ways to write the paths of files, and the number of the file that each is for. */
export interface Spellings {
  readonly texts: readonly string[];
  readonly files: readonly number[];
}

// Preview

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
  lookForPaths(root: StoredRoot, which: (pass: string, records: boolean) => boolean): DeletedPaths;
  /** Runs the statement. */
  count(): Promise<readonly PreviewCount[]>;
  /** Has the server plan the statement without running it. */
  plan(): Promise<void>;
}

/** Rows that a pass deletes, for a preview. */
export interface PreviewedDelete {
  readonly tree: RowTree;
  readonly where: Condition;
  /** Those of them that no hold keeps; undefined if no hold is about the tables. */
  readonly notHeld: Condition | undefined;
  /** The age by which the range of the rows is told. */
  readonly ages: Ages;
  readonly nesting?: StoredNesting | null;
  /** They are orphans by this column of this parent. */
  readonly orphansOf?: ParentReference;
  readonly pointers?: readonly StoredPointer[];
}

/** What a preview counts. */
export interface PreviewCount {
  readonly pass: string;
  readonly label: string;
  readonly what: 'deleted' | 'moved' | 'held' | 'found' | 'oldest found' | 'oldest' | 'newest';
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

// Abilities that not every database has

/** Sizes of tables. */
export interface Sizes {
  /** From catalog and statistics: cheap, whatever the size. A table that is not there is left out. */
  read(tables: readonly TableName[]): Promise<TableSize[]>;
  /** Undefined if the database has no extension for it, or the role may not use it. */
  measureBloat(table: TableName): Promise<Bloat | undefined>;
  /** What keeps vacuum from removing dead rows. */
  readVacuumBlockers(): Promise<VacuumBlockers>;
}

/** Gives space of a table back, on a connection of its own outside of any transaction. */
export interface Reclaim {
  run<T>(work: (session: ReclaimSession) => Promise<T>): Promise<T>;
}

/** One connection that works on tables. */
export interface ReclaimSession {
  readonly sizes: Sizes;
  limit(limits: TransactionLimits): Promise<void>;
  /**
   * Tries to become the only session of ours that works on a table. If an earlier attempt of the run or of a closed run
   * does, its session is ended.
   */
  tryToOwn(table: TableName, run: number): Promise<boolean>;
  /** Writes into the journal that this session starts to work on a table. Returns the number of the entry. */
  recordStart(entry: ReclaimEntry, bytes: number): Promise<number>;
  /** Runs the statement of a mode; the signal ends it, on the server too. */
  reclaim(mode: ReclaimMode, table: TableName, signal: AbortSignal): Promise<void>;
}

/** What gives space back, and for whom. */
export interface ReclaimEntry {
  readonly run: number;
  readonly pass: number;
  readonly table: TableName;
  readonly mode: ReclaimMode;
}

export type { CascadeStep, StoredChild };
