import type { Cursor } from '../batch/cursor.ts';
import type { ReportedRows } from '../passes/pass.ts';
import type { Settled } from './remove-begun.ts';

/** Among files that wait in the ledger, by their numbers. */
export interface WaitingCursor {
  readonly waiting: {
    readonly from: string;
    readonly after: string;
    readonly upto: string;
    /** Where the root was, with something in it; undefined before it was opened. */
    readonly place?: string | undefined;
  };
}

/** Among the files of a root. Looked at first, and removed in a second walk where that is asked for. */
export interface ListingCursor {
  readonly listing: {
    readonly removing: boolean;
    /** The key of the last file; null before the first. */
    readonly after: string | null;
    /** What the first walk has counted so far. */
    readonly files: number;
    readonly strays: number;
    /** What the second has so far. */
    readonly again: { readonly files: number; readonly strays: number };
    /** Where the root was, with something in it; undefined before it was opened. */
    readonly place?: string | undefined;
  };
}

/** Files that were removed or looked at: what is to be written down. */
export interface FileWork {
  readonly settled: readonly Settled[];
  /** Files that go with the next batch, and what they measure. */
  readonly measured: readonly { readonly id: string; readonly bytes: number }[];
  /** Files that no row records, which go with the next batch. */
  readonly strays: readonly { readonly key: string; readonly bytes: number }[];
  /** What was found and only counted. */
  readonly found?: ReportedRows;
  readonly cursor: Cursor;
  readonly end: boolean;
}
