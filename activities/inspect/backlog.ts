import { countNouns } from '../../policy/count-nouns.ts';
import type { Backlog, EarlierBacklog, Pace } from '../stored/backlog.ts';

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
  const margin = 2 * Math.hypot(before.error, after.error);
  return after.rows - before.rows > Math.max(margin, MIN_GROWTH) && after.rows > MIN_PART * removed;
}

/**
 * How fast rows come and are deleted since an earlier run: what was removed since, and that plus what the backlog grew by.
 * So the difference of the two is how fast the backlog grows.
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

/**
 * How many days of work a run left: what waits by what runs remove a day, rounded. Null if that is not known, or if it is
 * less than half a day: rows also expire while a run works.
 */
export function countDaysBehind(
  left: Backlog,
  { removedPerDay }: Pick<Pace, 'removedPerDay'>,
): number | null {
  if (removedPerDay === null || removedPerDay === 0) return null;
  // The sample alone may have found so many.
  if (left.rows <= Math.max(2 * left.error, MIN_GROWTH)) return null;
  const days = Math.round(left.rows / removedPerDay);
  return days === 0 ? null : days;
}

/** Warns that the backlog of a pass grew, and names what to do. */
export function describeGrowth(pass: string, { run, after: before }: EarlierBacklog, after: Backlog): string {
  return (
    `warning: pass ${pass} does not keep up: ${formatRows(after)} past their time and still there, ` +
    `${formatRows(before)} after run ${run}. ` +
    'They grow until runs are more frequent or may do more (schedule, limits, pauses), or more rows may go'
  );
}

function formatRows({ rows, error }: Backlog): string {
  return `${error === 0 ? '' : 'about '}${countNouns(rows, 'row')}`;
}
