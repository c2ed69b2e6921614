import type { RawBuilder } from 'kysely';

import type { BatchStep, Shard } from '../passes/pass.ts';
import type { Keeping } from '../sql/going.ts';
import { pickByAge, sweepByAge } from '../sql/keyset.ts';
import type { AgePosition, AgeRange } from '../sql/keyset.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import type { PageRange } from '../sql/page-range.ts';
import { pickPages, sweepPages, takePages } from '../sql/page-range.ts';
import { countPages, pageOf, pageStart } from '../sql/pages.ts';
import type { Recording } from '../sql/recording.ts';
import { sampleSpan } from '../sql/sample-span.ts';
import type { Span } from '../sql/span.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Cursor } from './cursor.ts';
import { agePositionOf, placeOf } from './cursor.ts';

/** A walk over the rows of one table that qualify, in physical order or in the order of age. */
export interface Walk {
  readonly table: TableName;
  /** The column of a keyset walk. */
  readonly age: ColumnName | null;
  /** Which rows, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  /** What a delete records of the rows that go. */
  readonly recording?: Recording | undefined;
  /** The age of a row over alias `t`: what a delete answers of the rows that go. */
  readonly aged?: RawBuilder<unknown>;
  /** What stays although it qualifies: what `take` heeds. */
  readonly keeping?: Keeping;
}

/** Rows that a batch found and locked, and where the walk goes on after each of them. */
export interface Found {
  readonly places: readonly string[];
  readonly keys: readonly (string | null)[];
  /** Rows that qualified, with those that somebody else holds. */
  readonly candidates: number;
  /** The number of each row among those that qualified, from 1. */
  readonly ranks: readonly number[];
  /** Where to go on after the row of this number. */
  readonly after: (row: number) => Cursor;
  /** Where to go on after all of them, and whether that is the end. */
  readonly next: Cursor;
  readonly end: boolean;
}

/**
 * Where no more rows than this are read for each that is wanted, the pages themselves bound the batch: all
 * their rows go, without a list of places in between (events: 0.9 s of statements where a list took 1.8 s).
 */
const DENSE = 1;
/** A range of pages is never larger than this: 64 MiB read at the most before the pacer can look again. */
const MOST_PAGES = 8192;
/** So many index entries are looked at in one statement at the most: 10 ms at 0.5 us each. */
const MOST_ENTRIES = 20_000;

/** Deletes a batch in one statement; undefined where the walk cannot bound the rows as asked. */
export async function sweep(
  tx: Tx,
  walk: Walk,
  step: BatchStep,
): Promise<{ cursor: Cursor; end: boolean; taken: number; span: Span | null } | undefined> {
  if (step.shard.strategy === 'page-range') {
    // A page has any number of rows up to 290, so that pages cannot bound the rows exactly.
    if (Number.isFinite(step.mostRows)) return undefined;
    const range = await pagesOf(tx, walk, step.shard, step, step.size);
    const span = await spanAhead(tx, range);
    const { rows } = await sweepPages(tx, range);
    return { ...endOfPages(range), taken: rows, span };
  }
  const range = agesOf(walk, step, Math.min(step.size, step.mostRows));
  const { rows, next, span } = await sweepByAge(tx, range);
  return { cursor: next, end: next === null, taken: rows, span };
}

/**
 * Deletes the rows of a batch in one statement, where more is to be deleted for each. Neither locks nor weighs them
 * before: a round trip and a write of each row less. Waits where a row is locked.
 */
export async function take(
  tx: Tx,
  walk: Walk,
  key: ColumnName | undefined,
  step: BatchStep,
): Promise<{
  cursor: Cursor;
  end: boolean;
  taken: number;
  keys: readonly string[];
  filled: number;
  span: Span | null;
}> {
  const limit = limitOf(step, step.familySize);
  if (step.shard.strategy === 'page-range') {
    const range = await pagesOf(tx, walk, step.shard, step, limit * step.reach);
    const { rowsPerPage } = step.shard;
    const bounded = Number.isFinite(step.mostRows) || walk.keeping !== undefined;
    if (step.reach <= DENSE && limit >= rowsPerPage && !bounded) {
      const answers = key !== undefined || walk.recording !== undefined;
      const ahead = answers ? null : await spanAhead(tx, range);
      const { rows, keys, span } = await sweepPages(tx, range, key);
      return { ...endOfPages(range), taken: rows, keys, filled: rows / limit, span: span ?? ahead };
    }
    const taken = await takePages(tx, range, key, limit);
    const filled = taken.candidates / limit;
    const { rows, keys, span } = taken;
    return { ...reached(range, taken, limit), taken: rows, keys, filled, span };
  }
  const { rows, keys, next, span } = await sweepByAge(tx, agesOf(walk, step, limit), key);
  return { cursor: next, end: next === null, taken: rows, keys, filled: 1, span };
}

/** Finds and locks the rows of a batch. */
export async function pick(tx: Tx, walk: Walk, key: ColumnName | undefined, step: BatchStep): Promise<Found> {
  const limit = limitOf(step, step.familySize);
  if (step.shard.strategy === 'page-range') {
    const range = await pagesOf(tx, walk, step.shard, step, limit * step.reach);
    const picked = await pickPages(tx, range, key, limit);
    return found(picked, (row) => placeAt(picked.places[row]), reached(range, picked, limit));
  }
  const picked = await pickByAge(tx, agesOf(walk, step, limit), key);
  const after = (row: number): Cursor => ({ age: picked.ages[row] ?? '', place: picked.places[row] ?? '' });
  return found(picked, after, { cursor: picked.next, end: picked.next === null });
}

/** How many rows of the pass's own table a batch may find, if each comes with a family of this size. */
export function limitOf({ size, mostRows, passOver }: BatchStep, familySize: number): number {
  return passOver ? 1 : Math.max(1, Math.min(Math.ceil(size / familySize), mostRows));
}

/** Where a shard goes on when the first `taken` of the rows that were found are done. */
export function advance(rows: Found, taken: number): { cursor: Cursor; end: boolean } {
  if (taken < rows.places.length) return { cursor: rows.after(taken - 1), end: false };
  return { cursor: rows.next, end: rows.end };
}

/** How many rows that somebody else holds lie before the place where a shard goes on after the first `taken`. */
export function skippedOf({ places, candidates, ranks }: Found, taken: number): number {
  if (taken >= places.length) return candidates - places.length;
  return taken === 0 ? 0 : (ranks[taken - 1] ?? taken) - taken;
}

type PageShard = Shard & { strategy: 'page-range' };

/** A range of pages of a shard, and whether the shard ends with it. */
export interface ShardPages extends PageRange {
  readonly end: boolean;
}

/** The pages of the next batch, for so many rows if every row qualified. */
export async function pagesOf(
  tx: Tx,
  walk: Walk,
  shard: PageShard,
  { cursor }: Pick<BatchStep, 'cursor'>,
  rows: number,
): Promise<ShardPages> {
  const after = placeOf(cursor) ?? pageStart(shard.fromPage);
  const pages = Math.max(1, Math.min(Math.floor(rows / shard.rowsPerPage), MOST_PAGES));
  const untilPage = pageOf(after) + pages;
  const { age: _age, ...rest } = walk;
  const planned = { ...rest, after };
  if (untilPage < shard.untilPage) return { ...planned, untilPage, end: false };
  // The table may have grown since the plan: an update that nulls a foreign key moves its row to the end.
  const last = shard.open ? Math.max(shard.untilPage, await countPages(tx, walk.table)) : shard.untilPage;
  return { ...planned, untilPage: Math.min(untilPage, last), end: untilPage >= last };
}

/** From when to when the rows of a sweep are that itself answers nothing about them. */
async function spanAhead(tx: Tx, range: ShardPages): Promise<Span | null> {
  const { aged, where } = range;
  return aged === undefined ? null : sampleSpan(tx, range, where, aged);
}

/** Where a shard goes on after a range of pages, and whether that is its end. */
export function endOfPages({ untilPage, end }: ShardPages): { cursor: Cursor; end: boolean } {
  return { cursor: placeAt(pageStart(untilPage)), end };
}

/** Where a shard goes on after the rows that a range of pages gave: there may be more than the limit. */
export function reached(
  range: ShardPages,
  picked: { readonly candidates: number; readonly last: string | null },
  limit: number,
): { cursor: Cursor; end: boolean } {
  if (picked.candidates < limit || picked.last === null) return endOfPages(range);
  return { cursor: placeAt(picked.last), end: false };
}

function placeAt(place: string | undefined): Cursor {
  return { place: place ?? pageStart(0) };
}

function found(
  { places, keys, candidates, ranks }: Pick<Found, 'places' | 'keys' | 'candidates' | 'ranks'>,
  after: Found['after'],
  { cursor, end }: { cursor: Cursor; end: boolean },
): Found {
  return { places, keys, candidates, ranks, after, next: cursor, end };
}

/** The part of the age index that the next batch looks at. */
export function agesOf(walk: Walk, { shard, cursor }: BatchStep, limit: number): AgeRange {
  if (shard.strategy !== 'keyset' || walk.age === null) {
    throw new Error(`a walk by age cannot use a shard of ${shard.strategy}`);
  }
  const after: AgePosition | null = agePositionOf(cursor) ?? null;
  const entries = Math.min(Math.max(1000, 4 * limit), Math.max(MOST_ENTRIES, limit));
  return {
    ...walk,
    age: walk.age,
    after,
    from: shard.from,
    until: shard.until,
    entries,
    limit,
  };
}
