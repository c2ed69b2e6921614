import { findPosition } from '../dialect/scan-position.ts';
import type { ShardBatches } from '../stored/batch.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { ShardProgress } from '../stored/progress.ts';
import { SCAN_COST } from '../stored/scan-cost.ts';
import type { Scan, Shard, Spread } from '../stored/scan.ts';

/** How a shard stands in its round. */
interface Standing {
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** From 1. What the plan's sample saw is about the first. */
  readonly round: number;
  /** Rows deleted in all tables, by the ledger. */
  readonly rows: number;
  /** Rows deleted in all tables for each row of the pass's own. */
  readonly rowsPerParent: number;
}

type FilesShard = Extract<Shard, { readonly scan: 'files' }>;

/** The work of a shard before and after its cursor, in one unit. */
interface Work {
  readonly behind: number;
  readonly ahead: number;
}

/**
 * The work behind a cursor and ahead of it; null if unknown.
 *
 * Not the part of the scan that is behind: deletable rows lie dense in some parts and sparse in others, and a page that
 * is only read takes a fraction of the time. What is behind is counted, what is ahead is what the plan's sample saw
 * there; without one, it is taken to be as dense as what is behind.
 */
function findWork(standing: Standing): Work | null {
  const work = findWorkByScan(standing);
  return work !== null && Number.isFinite(work.behind + work.ahead) && work.behind + work.ahead > 0
    ? work
    : null;
}

/** The part of the work that is done, 0 to 1; null if unknown. */
function fractionDone(work: Work | null): number | null {
  return work === null ? null : work.behind / (work.behind + work.ahead);
}

/** Computes how far a shard is. `expectedRowsPerParent` is the plan's estimate of the rows in all tables for each of its own. */
export function measureShard(
  shard: Shard,
  expectedRowsPerParent: number,
  batches: ShardBatches | undefined,
): ShardProgress {
  if (batches === undefined) {
    const work = findWork({ shard, cursor: null, round: 1, rows: 0, rowsPerParent: expectedRowsPerParent });
    return { done: false, part: fractionDone(work), rowsPerSecond: null, secondsLeft: null, at: null };
  }
  const { round, done, at, cursor, rows, ownRows, fromCursor, recentRows, recentMillis } = batches;
  const seconds = recentMillis / 1000;
  const rowsPerSecond = shard.scan === 'tables' || seconds === 0 ? null : recentRows / seconds;
  if (done) return { done, part: 1, rowsPerSecond, secondsLeft: 0, at };
  const rowsPerParent = ownRows > 0 ? rows / ownRows : expectedRowsPerParent;
  const now = findWork({ shard, cursor, round, rows, rowsPerParent });
  const before = findWork({ shard, cursor: fromCursor, round, rows: rows - recentRows, rowsPerParent });
  const recent = now === null ? 0 : now.behind - (before?.behind ?? 0);
  const secondsLeft = now !== null && recent > 0 ? (now.ahead * seconds) / recent : null;
  return { done, part: fractionDone(now), rowsPerSecond, secondsLeft, at };
}

function findWorkByScan({ shard, cursor, round, rows, rowsPerParent }: Standing): Work | null {
  if (cursor !== null && 'pending' in cursor) {
    return findWorkByScan({ shard, cursor: cursor.next, round, rows, rowsPerParent });
  }
  const spread = round === 1 ? shard.spread : undefined;
  switch (shard.scan) {
    case 'by-location': {
      const at = findLocation(shard.scan, cursor) ?? shard.fromPage;
      const pages = { behind: at - shard.fromPage, ahead: Math.max(0, shard.untilPage - at) };
      const rowsAhead =
        spread === undefined
          ? rows * (pages.ahead / Math.max(1, pages.behind))
          : rowsPerParent * rowsBetween(spread, at, shard.open ? Infinity : shard.untilPage);
      return {
        behind: pages.behind * SCAN_COST.page + rows * SCAN_COST.rowInOrder,
        ahead: pages.ahead * SCAN_COST.page + rowsAhead * SCAN_COST.rowInOrder,
      };
    }
    case 'by-age': {
      const first = shard.from ?? shard.oldest;
      const from = first === null ? Number.NaN : findPosition(shard.scan, first);
      const at = findLocation(shard.scan, cursor) ?? from;
      const until = findPosition(shard.scan, shard.until);
      if (spread === undefined || spread.rows === 0) return { behind: at - from, ahead: until - at };
      const ahead = rowsBetween(spread, at, until);
      return { behind: rows, ahead: rowsPerParent * ahead };
    }
    case 'by-partition': {
      const leaf = cursor !== null && 'leaf' in cursor ? cursor.leaf : 0;
      const ahead = shard.leaves.slice(leaf).reduce((sum, one) => sum + one.rows, 0);
      return { behind: rows, ahead: rowsPerParent * ahead };
    }
    case 'tables': {
      const behind = cursor !== null && 'table' in cursor ? cursor.table : 0;
      return { behind, ahead: shard.tables - behind };
    }
    case 'files': {
      if (cursor !== null && 'waiting' in cursor) {
        const { from, after, upto } = cursor.waiting;
        return { behind: Number(after) - Number(from), ahead: Number(upto) - Number(after) };
      }
      const listing = cursor !== null && 'listing' in cursor ? cursor.listing : undefined;
      // How many files a root has is known after its first listing.
      if (listing?.removing !== true) return findFirstListing(listing?.files ?? 0, shard.expected);
      const { files, again } = listing;
      return { behind: files + again.files, ahead: Math.max(0, files - again.files) };
    }
    case 'by-parent-key': {
      const from = shard.after === null ? Number.NEGATIVE_INFINITY : findPosition(shard.scan, shard.after);
      const at = findLocation(shard.scan, cursor) ?? from;
      const until = shard.until === null ? Infinity : findPosition(shard.scan, shard.until);
      // Keys are looked at whether their rows are deleted or not: the spread is that of all rows.
      return shard.spread === undefined
        ? { behind: Math.max(0, at) - Math.max(0, from), ahead: Math.min(until, 2 ** 48) - Math.max(0, at) }
        : { behind: rowsBetween(shard.spread, from, at), ahead: rowsBetween(shard.spread, at, until) };
    }
  }
}

/** By what an earlier run counted; once there are more than that, the number is unknown. */
function findFirstListing(files: number, expected: FilesShard['expected']): Work | null {
  if (expected === undefined || files > expected.files) return null;
  // Only the end of the listing says whether it is done.
  return { behind: files, ahead: Math.max(1, expected.walks * expected.files - files) };
}

/** Rows between two positions, by a spread. */
function rowsBetween(spread: Spread, from: number, until: number): number {
  return Math.max(0, spread.rows * (partBefore(spread, until) - partBefore(spread, from)));
}

/** The part of the rows that lies before a position. */
function partBefore({ marks }: Spread, position: number): number {
  const last = marks.length - 1;
  const next = marks.findIndex((mark) => mark > position);
  if (next === -1) return 1;
  if (next === 0) return 0;
  const [low = 0, high = 0] = [marks[next - 1], marks[next]];
  return (next - 1 + (position - low) / (high - low)) / last;
}

/** Where a scan stands, as a number; undefined at its start. */
function findLocation(scan: Scan, cursor: Cursor): number | undefined {
  return cursor !== null && 'location' in cursor ? findPosition(scan, cursor.location) : undefined;
}
