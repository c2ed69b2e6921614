import type { Shard } from '../passes/index.ts';
import type { Spread } from '../passes/pass.ts';
import { COST } from '../plan/strategy.ts';
import type { ShardProgress } from '../stored/progress.ts';
import { NOT_BEGUN } from '../stored/progress.ts';
import type { Cursor } from './cursor.ts';
import { agePositionOf, keyOf, placeOf, tableNumberOf } from './cursor.ts';
import { positionOf } from './position.ts';

/** How a shard stands in its round. */
export interface Standing {
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** From 1. What the plan's sample saw is about the first. */
  readonly round: number;
  /** Rows deleted in all tables, by the ledger. */
  readonly rows: number;
  /** Rows deleted in all tables for each row of the pass's own. */
  readonly familySize: number;
}

/** A shard by its last batches, as the ledger has them. */
export interface ShardBatches {
  readonly round: number;
  readonly done: boolean;
  /** When the last batch was committed, in milliseconds since the epoch. */
  readonly at: number;
  readonly cursor: Cursor;
  /** Rows deleted in the round, in all tables. */
  readonly rows: number;
  /** Those of the pass's own table. */
  readonly ownRows: number;
  /** Where the shard stood when the batches began that its speed is measured by. */
  readonly fromCursor: Cursor;
  /** Rows that these batches deleted. */
  readonly recentRows: number;
  /** Milliseconds that they took, pauses left out. */
  readonly recentMillis: number;
}

type FilesShard = Extract<Shard, { readonly strategy: 'files' }>;

/** The work of a shard before and after its cursor, in one unit. */
export interface Work {
  readonly behind: number;
  readonly ahead: number;
}

/**
 * The work behind a cursor and ahead of it; null where one cannot tell.
 *
 * Not the part of the walk that is behind: rows that go lie dense in some places and sparse in others, and a page
 * that only is read takes a fraction of the time. What is behind is counted, what is ahead is what the plan's
 * sample saw there; without one, it is taken to be as dense as what is behind.
 */
export function workAt(standing: Standing): Work | null {
  const work = ofStrategy(standing);
  return work !== null && Number.isFinite(work.behind + work.ahead) && work.behind + work.ahead > 0
    ? work
    : null;
}

/** The part of the work that is done, 0 to 1; null where one cannot tell. */
export function walkedPart(work: Work | null): number | null {
  return work === null ? null : work.behind / (work.behind + work.ahead);
}

/** Computes how far a shard is. `expectedFamily` is the plan's estimate of the rows in all tables for each of its own. */
export function measureShard(
  shard: Shard,
  expectedFamily: number,
  batches: ShardBatches | undefined,
): ShardProgress {
  if (batches === undefined) {
    const work = workAt({ shard, cursor: null, round: 1, rows: 0, familySize: expectedFamily });
    return { ...NOT_BEGUN, part: walkedPart(work) };
  }
  const { round, done, at, cursor, rows, ownRows, fromCursor, recentRows, recentMillis } = batches;
  const seconds = recentMillis / 1000;
  const rowsPerSecond = shard.strategy === 'tables' || seconds === 0 ? null : recentRows / seconds;
  if (done) return { done, part: 1, rowsPerSecond, secondsLeft: 0, at };
  const familySize = ownRows > 0 ? rows / ownRows : expectedFamily;
  const now = workAt({ shard, cursor, round, rows, familySize });
  const before = workAt({ shard, cursor: fromCursor, round, rows: rows - recentRows, familySize });
  const recent = now === null ? 0 : now.behind - (before?.behind ?? 0);
  const secondsLeft = now !== null && recent > 0 ? (now.ahead * seconds) / recent : null;
  return { done, part: walkedPart(now), rowsPerSecond, secondsLeft, at };
}

function ofStrategy({ shard, cursor, round, rows, familySize }: Standing): Work | null {
  if (cursor !== null && 'asked' in cursor) {
    return ofStrategy({ shard, cursor: cursor.next, round, rows, familySize });
  }
  const spread = round === 1 ? shard.spread : undefined;
  switch (shard.strategy) {
    case 'page-range': {
      const place = placeOf(cursor);
      const at = place === undefined ? shard.fromPage : positionOf('page-range', place);
      const pages = { behind: at - shard.fromPage, ahead: Math.max(0, shard.untilPage - at) };
      const rowsAhead =
        spread === undefined
          ? rows * (pages.ahead / Math.max(1, pages.behind))
          : familySize * rowsBetween(spread, at, shard.open ? Infinity : shard.untilPage);
      return {
        behind: pages.behind * COST.page + rows * COST.rowInOrder,
        ahead: pages.ahead * COST.page + rowsAhead * COST.rowInOrder,
      };
    }
    case 'keyset': {
      const age = agePositionOf(cursor)?.age;
      const begin = shard.from ?? shard.oldest;
      const from = begin === null ? Number.NaN : Date.parse(begin);
      const at = age === undefined ? from : Date.parse(age);
      const until = Date.parse(shard.until);
      if (spread === undefined || spread.rows === 0) return { behind: at - from, ahead: until - at };
      const ahead = rowsBetween(spread, at, until);
      return { behind: rows, ahead: familySize * ahead };
    }
    case 'tables': {
      const behind = tableNumberOf(cursor);
      return { behind, ahead: shard.tables - behind };
    }
    case 'files': {
      if (cursor !== null && 'waiting' in cursor) {
        const { from, after, upto } = cursor.waiting;
        return { behind: Number(after) - Number(from), ahead: Number(upto) - Number(after) };
      }
      const listing = cursor !== null && 'listing' in cursor ? cursor.listing : undefined;
      // How many files a root has is known after the first walk over it.
      if (listing?.removing !== true) return firstWalk(listing?.files ?? 0, shard.expected);
      const { files, again } = listing;
      return { behind: files + again.files, ahead: Math.max(0, files - again.files) };
    }
    case 'loose-index': {
      const key = keyOf(cursor);
      const from = shard.after === null ? Number.NEGATIVE_INFINITY : positionOf('loose-index', shard.after);
      const at = key === undefined ? from : positionOf('loose-index', key);
      const until = shard.until === null ? Infinity : positionOf('loose-index', shard.until);
      // Keys are looked at whether their rows go or not: the spread is that of all rows.
      return shard.spread === undefined
        ? { behind: Math.max(0, at) - Math.max(0, from), ahead: Math.min(until, 2 ** 48) - Math.max(0, at) }
        : { behind: rowsBetween(shard.spread, from, at), ahead: rowsBetween(shard.spread, at, until) };
    }
  }
}

/** By what a former run counted; once there are more than that, nobody can tell how many there are. */
function firstWalk(files: number, expected: FilesShard['expected']): Work | null {
  if (expected === undefined || files > expected.files) return null;
  // Whether it is done only the end of the listing says.
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
