/**
 * What a scan costs, in microseconds, measured with PostgreSQL 18 on 2 cores (10 million log rows of 100,000
 * runs, warm; `npm run bench`). Only the ratios matter: they decide when one scan becomes cheaper than another.
 */
export const SCAN_COST = {
  /** Reading a page that may have nothing to delete. */
  page: 8,
  /** Deleting a row in physical order. */
  rowInOrder: 1.3,
  /** Deleting a row where an index leads. */
  rowByIndex: 2.4,
  /** The same in the order of age: the entry, the row, and the row again by its location. */
  rowByAge: 5.5,
  /** One descent into an index for the next distinct key, and looking its parent up. */
  key: 11,
  /** An index entry that is looked at: one of a row that does not qualify, or of a dead tuple. */
  entry: 0.5,
  /** A row of a page, live or dead, whose parent must be found: its key among the distinct keys of the batch. */
  parent: 0.25,
} as const;
