import type { Cursor } from '../stored/cursor.ts';

/** Where a shard goes on after a batch, or that it is done. Every scan decides that by one of the functions below. */
export interface ShardEnd {
  readonly cursor: Cursor;
  readonly done: boolean;
}

/** The shard goes on from a cursor: the batch reached its limit, so that there may be more rows. */
export function continueAt(cursor: Cursor): ShardEnd {
  return { cursor, done: false };
}

/** The shard is done: the scan came to its end below the limit. The cursor is for counting what lies before it. */
export function endShard(cursor: Cursor = null): ShardEnd {
  return { cursor, done: true };
}

/** Where a shard goes on when the first `taken` of the locked rows are done: at the next one, or as the scan says. */
export function endAfterRows(
  rows: {
    readonly locations: readonly string[];
    readonly cursorAfter: (row: number) => Cursor;
    readonly end: ShardEnd;
  },
  taken: number,
): ShardEnd {
  return taken < rows.locations.length ? continueAt(rows.cursorAfter(taken - 1)) : rows.end;
}
