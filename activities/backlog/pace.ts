import type { Backlog, Pace } from './backlog.ts';

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
/** What is told per day is not told from less than this, in seconds. */
const LEAST_SECONDS = 3600;
/** What a run leaves is no backlog where it is a smaller part of what it removes: rows expire while it works. */
const AT_WORK = 0.1;
/** So many rows more may expire between the last batch and the look. */
const LEAST_GROWTH = 10;

/**
 * Whether a backlog grew from one run to a later one: by more than the error of both samples allows, and to more than
 * a tenth of what was removed since.
 */
export function hasGrown({ after: before, removed }: EarlierBacklog, after: Backlog): boolean {
  const doubt = 2 * Math.hypot(before.error, after.error);
  return after.rows - before.rows > Math.max(doubt, LEAST_GROWTH) && after.rows > AT_WORK * removed;
}

/**
 * How fast rows come and go since an earlier run: what was removed since, and that plus what the backlog grew by. So
 * the difference of the two is how fast the backlog grows.
 */
export function paceOf(earlier: EarlierBacklog | null, after: Backlog): Pace {
  if (earlier === null) return { expiringPerDay: null, removedPerDay: null, keepsUp: null };
  const keepsUp = !hasGrown(earlier, after);
  if (earlier.secondsAgo < LEAST_SECONDS) return { expiringPerDay: null, removedPerDay: null, keepsUp };
  const days = earlier.secondsAgo / DAY;
  const expired = Math.max(0, after.rows - earlier.after.rows + earlier.removed);
  return {
    expiringPerDay: Math.round(expired / days),
    removedPerDay: Math.round(earlier.removed / days),
    keepsUp,
  };
}
