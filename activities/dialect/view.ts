import type { Ages, ColumnName, Predicate, TableName } from '../stored/columns.ts';
import type { Expiry, KeepLastExpiry } from '../stored/expiry.ts';
import type { ParentReference, RowTree, StoredPointer, StoredReference } from '../stored/row-tree.ts';

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
  /** Whatever the row: a condition is true of no row of some table. */
  isTrueOfNone(table: TableName, condition: Condition): Condition;
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
  /**
   * No row references the row, or what is deleted along with it, by a foreign key that forbids the delete. Rows that the
   * pass may delete as well do not count: see {@link isNotChained}. Undefined if there is no such foreign key.
   */
  isNotReferenced(tree: RowTree): Condition | undefined;
  /**
   * Rows of the tree that reference the row, or what is deleted along with it, can be deleted too, with all that reference
   * these in turn: `deletable` is what the pass asks of each. Follows at most `limit` rows. Undefined if no such foreign
   * key lies within the tree.
   */
  isNotChained(tree: RowTree, deletable: Condition, limit: number): Condition | undefined;
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
