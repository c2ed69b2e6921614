/** The order in which a pass visits its table; in the plan, the ledger, the preview and the report. */
export type Scan =
  /** In physical order. */
  | 'by-location'
  /** In the order of the index on the age. */
  | 'by-age'
  /** From parent key to parent key, in the order of the index on it. */
  | 'by-parent-key'
  /** The tables where the rows of a partitioned table lie, one after the other, each by a scan of its own. */
  | 'by-partition'
  /** Whole tables, one after the other. */
  | 'tables'
  /** Files, in the order in which they were recorded or are listed. */
  | 'files';

/** Where along the scan the rows lie that a sample saw, for progress only. */
export interface Spread {
  /** How many there are in the whole table. */
  readonly rows: number;
  /** Positions that cut them into equal parts, from the first row to the last. */
  readonly marks: readonly number[];
}

/** A part of a pass that runs beside the others: a range of the scan that overlaps with no other. Plain JSON. */
export type Shard = ScanRange & {
  /** Missing if the sample saw too little. */
  readonly spread?: Spread;
};

type ScanRange =
  | {
      readonly scan: 'by-location';
      readonly fromPage: number;
      readonly untilPage: number;
      /** It is the last: it goes on to the end of the table, to which an update moves rows. */
      readonly open: boolean;
      /** By the sample that the plan was made from; at least 1. */
      readonly rowsPerPage: number;
    }
  | {
      readonly scan: 'by-age';
      readonly from: string | null;
      readonly until: string;
      /** The oldest age that a sample saw, for progress only. */
      readonly oldest: string | null;
    }
  | { readonly scan: 'by-parent-key'; readonly after: string | null; readonly until: string | null }
  | { readonly scan: 'by-partition'; readonly leaves: readonly LeafShard[] }
  | { readonly scan: 'tables'; readonly tables: number }
  | {
      readonly scan: 'files';
      /** What an earlier run counted below a root, and how often the root is listed; for progress only. */
      readonly expected?: { readonly files: number; readonly walks: 1 | 2 };
    };

/** A table where rows of a partitioned table lie, and its own scan. */
export interface LeafShard {
  readonly table: { readonly schema: string; readonly name: string };
  readonly shard: Shard;
  /** Rows that are expected to be deleted from it. */
  readonly rows: number;
}

/** How a run will scan. */
export interface PassPlan {
  /** Null if nothing is scanned. */
  readonly scan: Scan | null;
  readonly shards: readonly Shard[];
  /** Rows of the pass's own table that it is expected to delete. */
  readonly estimate: number;
  /** Rows of that table, by the same sample. */
  readonly tableRows: number;
}
