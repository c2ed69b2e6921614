import type { RawBuilder } from 'kysely';

import type { ColumnName } from '../sql/names.ts';

/** Rows that wait for a pass, as they are asked for over its own table. */
export interface Waiting {
  /** Over alias `t`: the row is past its time. */
  readonly where: RawBuilder<boolean>;
  /** Its age: of several columns the first that is not null counts. Null where nobody knows since when a row waits. */
  readonly age: {
    readonly columns: readonly [ColumnName, ...ColumnName[]];
    /** No row that is this old or younger waits. */
    readonly until: string;
  } | null;
}

/** Rows that are past their time and still there: see `docs/backlog.md`. Counts and durations, so that it may travel. */
export interface Backlog {
  /** Rows of the pass's own table. */
  readonly rows: number;
  /** The standard error of `rows`, which come from a sample of pages; 0 where they were counted. */
  readonly error: number;
  /** The age of the oldest; null where none was found, or where nobody knows since when rows wait. */
  readonly oldestSeconds: number | null;
  /** The oldest of a sample: there may be older ones. */
  readonly atLeast: boolean;
}

/** How fast rows come and go, over a day or since the run before. */
export interface Pace {
  /** Null where less than an hour is known. */
  readonly expiringPerDay: number | null;
  readonly removedPerDay: number | null;
  /** The backlog that runs leave does not grow; null at the first run. */
  readonly keepsUp: boolean | null;
}

/** What waited for a pass before a run, and what it left. Null where that was not measured. */
export interface PassBacklog extends Pace {
  readonly before: Backlog | null;
  readonly after: Backlog | null;
}
