import type { ListingCursor, WaitingCursor } from '../files/file-work.ts';
import type { AgePosition } from '../sql/keyset.ts';

/** Where the next batch of a shard starts; null is its begin. Plain JSON, kept in the ledger only. */
export type Cursor =
  | { readonly place: string }
  | AgePosition
  | { readonly key: string }
  | AskedRows
  /** The number of the next table. */
  | { readonly table: number }
  | WaitingCursor
  | ListingCursor
  | null;

/** Rows that the batch before found: they are dealt with outside of it, and the walk goes on after them. */
export interface AskedRows {
  /** Their keys. */
  readonly asked: readonly string[];
  readonly next: Cursor;
  /** The shard is done with them. */
  readonly end: boolean;
}

/** The place where a walk by pages stands; undefined at its begin. */
export function placeOf(cursor: Cursor): string | undefined {
  return cursor !== null && 'place' in cursor ? cursor.place : undefined;
}

/** Where a walk by age stands; undefined at its begin. */
export function agePositionOf(cursor: Cursor): AgePosition | undefined {
  return cursor !== null && 'age' in cursor ? cursor : undefined;
}

/** The key after which a walk by keys goes on; undefined at its begin. */
export function keyOf(cursor: Cursor): string | undefined {
  return cursor !== null && 'key' in cursor ? cursor.key : undefined;
}

/** A walk by keys goes on after a key; at its begin after null. */
export function afterKey(key: string | null): Cursor {
  return key === null ? null : { key };
}

/** The number of the table that a pass over whole tables works on next. */
export function tableNumberOf(cursor: Cursor): number {
  return cursor !== null && 'table' in cursor ? cursor.table : 0;
}
