/** Where the next batch of a shard starts; null is its start. Plain JSON, kept in the ledger only. */
export type Cursor =
  | ScanCursor
  | LeafCursor
  | PendingRows
  | TableCursor
  | RecordedFilesCursor
  | ListingCursor
  | null;

/** Where a scan stands. Only the dialect that wrote it reads the location. */
interface ScanCursor {
  readonly location: string;
}

/** The number of a table where rows of a partitioned table lie, and where its own scan stands. */
interface LeafCursor {
  readonly leaf: number;
  readonly at: Cursor;
}

/** Rows that the batch before found: their handler runs outside of the batch, and the scan goes on after them. */
export interface PendingRows {
  /** Their keys. */
  readonly pending: readonly string[];
  readonly next: Cursor;
  /** The shard is done with them. */
  readonly done: boolean;
}

/** The number of the next table of a pass that works on whole tables. */
interface TableCursor {
  readonly table: number;
}

/** Among files that wait in the ledger, by their numbers. */
export interface RecordedFilesCursor {
  readonly waiting: {
    readonly from: string;
    readonly after: string;
    readonly upto: string;
    /** The device and inode of the root, once it had something in it. */
    readonly rootId?: string | undefined;
  };
}

/** Among the files of a root: a first listing counts, a second one removes if the policy says so. */
export interface ListingCursor {
  readonly listing: {
    readonly removing: boolean;
    /** The key of the last file; null before the first. */
    readonly after: string | null;
    /** What the first listing has counted so far. */
    readonly files: number;
    readonly strays: number;
    /** What the second has so far. */
    readonly again: { readonly files: number; readonly strays: number };
    /** The second has come to its end: only the files that it found last are left to remove. */
    readonly ended?: true;
    /** Between the two: which recorded paths were checked so far. */
    readonly checking?: { readonly column: number; readonly after: string | null };
    /** The device and inode of the root, once it had something in it. */
    readonly rootId?: string | undefined;
  };
}
