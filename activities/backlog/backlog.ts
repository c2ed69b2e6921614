import type { RawBuilder } from 'kysely';

import type { ColumnName } from '../sql/names.ts';

/** Rows that wait for a pass, as they are asked for over its own table. */
export interface Waiting {
  /** Over alias `t`: the row is past its time. */
  readonly where: RawBuilder<boolean>;
  /** Its age: of several columns the first that is not null counts. Null if nobody knows since when a row waits. */
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
  /** The standard error of `rows`, which come from a sample of pages; 0 if they were counted. */
  readonly error: number;
  /** The age of the oldest; null if none was found, or if nobody knows since when rows wait. */
  readonly oldestSeconds: number | null;
  /** The oldest of a sample: there may be older ones. */
  readonly atLeast: boolean;
}

/** How fast rows come and go, over a day or since the run before. */
export interface Pace {
  /** Null if less than an hour is known. */
  readonly expiringPerDay: number | null;
  readonly removedPerDay: number | null;
  /** The backlog that runs leave does not grow; null at the first run. */
  readonly keepsUp: boolean | null;
}

/** What waited for a pass before a run, and what it left. Null if that was not measured. */
export interface PassBacklog extends Pace {
  readonly before: Backlog | null;
  readonly after: Backlog | null;
}

/** The backlog of a pass as a step of a run measured it. */
export interface MeasuredBacklog {
  readonly pass: string;
  readonly backlog: Partial<PassBacklog>;
  /** The kind of pass knows how old the rows are. */
  readonly aged: boolean;
}

/** What an earlier run left for a pass. */
export interface EarlierBacklog {
  readonly run: number;
  /** Seconds since that run ended. */
  readonly secondsAgo: number;
  readonly after: Backlog;
  /** Rows of its own table that the pass removed in all runs since. */
  readonly removed: number;
}

const DAY = 24 * 3600;
/** Rates per day need at least this many seconds. */
const MIN_SECONDS = 3600;
/** What a run leaves is no backlog if it is a smaller part of what it removes: rows expire during the run. */
const MIN_PART = 0.1;
/** Rows that may expire between the last batch and the measurement. */
const MIN_GROWTH = 10;

/**
 * Whether a backlog grew from one run to a later one: by more than the error of both samples allows, and to more than
 * a tenth of what was removed since.
 */
export function hasGrown({ after: before, removed }: EarlierBacklog, after: Backlog): boolean {
  const doubt = 2 * Math.hypot(before.error, after.error);
  return after.rows - before.rows > Math.max(doubt, MIN_GROWTH) && after.rows > MIN_PART * removed;
}

/**
 * How fast rows come and go since an earlier run: what was removed since, and that plus what the backlog grew by. So
 * the difference of the two is how fast the backlog grows.
 */
export function computePace(earlier: EarlierBacklog | null, after: Backlog): Pace {
  const keepsUp = earlier === null ? null : !hasGrown(earlier, after);
  if (earlier === null || earlier.secondsAgo < MIN_SECONDS)
    return { expiringPerDay: null, removedPerDay: null, keepsUp };
  const days = earlier.secondsAgo / DAY;
  const expired = Math.max(0, after.rows - earlier.after.rows + earlier.removed);
  return {
    expiringPerDay: Math.round(expired / days),
    removedPerDay: Math.round(earlier.removed / days),
    keepsUp,
  };
}

/** Warns that the backlog of a pass grew, and names what to do. */
export function describeGrowth(pass: string, { run, after: before }: EarlierBacklog, after: Backlog): string {
  return (
    `warning: pass ${pass} does not keep up: ${formatRows(after)} rows are past their time and still there, ` +
    `${formatRows(before)} after run ${run}. ` +
    'They grow until runs are more frequent or may do more (schedule, limits, pauses), or more rows may go'
  );
}

function formatRows({ rows, error }: Backlog): string {
  return `${error === 0 ? '' : 'about '}${Math.round(rows).toLocaleString('en-US')}`;
}
