import type { ColumnName, PartialIndex, TableName } from '../stored/columns.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { KeepLastExpiry } from '../stored/expiry.ts';
import type { ParentReference } from '../stored/row-tree.ts';
import type { Shard } from '../stored/scan.ts';
import type { Recording } from './rows.ts';
import type { ShardEnd } from './shard-end.ts';
import type { Condition, KeepLastList } from './view.ts';

/** The rows of a scan. */
export interface ScanTarget {
  readonly table: TableName;
  /** The column of a scan by age; null if there is none. */
  readonly age: ColumnName | null;
  /** A scan by age reads only rows that are in this index. */
  readonly ageIndex?: PartialIndex | undefined;
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
  /** How many rows to read for each that is wanted. */
  readonly readFactor: number;
}

/** What a statement that finds and deletes deleted. */
export interface DeletedRange extends ShardEnd {
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
  readonly end: ShardEnd;
}

/** Rows that were read without a lock. */
export interface ReadRows extends ShardEnd {
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
export interface OrphanRange extends ShardEnd {
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
    to: ShardEnd,
  ): Promise<number>;
  /** Finds where orphans lie, at most as many as the limit. */
  findOrphans(target: OrphanTarget, step: ScanStep): Promise<OrphanRange>;
  /** Deletes the orphans of a range in one statement; no more than `limit`, if one is given. */
  deleteOrphans(target: OrphanTarget, range: OrphanRange, limit?: number): Promise<number>;
  /** Locks the orphans of a range that nobody else has locked. */
  lockOrphans(target: OrphanTarget, range: OrphanRange, limit: number): Promise<LockedRows>;
}
