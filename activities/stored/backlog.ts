/** Rows that are past their horizon and still there: see `docs/backlog.md`. Counts and durations, so that it may travel. */
export interface Backlog {
  /** Rows of the pass's own table. */
  readonly rows: number;
  /** The standard error of `rows`, which come from a sample of pages; 0 if they were counted. */
  readonly error: number;
  /** The age of the oldest; null if none was found, or if it is not known. */
  readonly oldestSeconds: number | null;
  /** The oldest of a sample: there may be older ones. */
  readonly atLeast: boolean;
}

/** How fast rows come and are deleted, over a day or since the run before. */
export interface Pace {
  /** Null if less than an hour is known. */
  readonly expiringPerDay: number | null;
  readonly removedPerDay: number | null;
  /** The backlog that runs leave does not grow, though rows may remain; null at the first run. */
  readonly keepsUp: boolean | null;
}

/** The backlog of a pass before and after a run. Null if it was not measured. */
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

/** The backlog of a pass before anything of it was measured. */
export const NOT_MEASURED: PassBacklog = {
  before: null,
  after: null,
  expiringPerDay: null,
  removedPerDay: null,
  keepsUp: null,
};

/** When a run measures a backlog. */
export type BacklogMoment = 'before' | 'after';

/** What the last run that measured left for a pass, and how fast rows come and are deleted since. */
export interface LastBacklog extends Pace {
  readonly run: number;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly left: Backlog;
}
