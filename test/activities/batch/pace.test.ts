import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import type { Cursor } from '../../../activities/batch/cursor.ts';
import { Pace } from '../../../activities/batch/pace.ts';
import type { Shard } from '../../../activities/passes/index.ts';

const DAY = 86_400_000;
const day = (n: number): string => new Date(Date.UTC(2026, 0) + n * DAY).toISOString();
/** 1000 rows, evenly over 100 days: where as many rows are behind as ahead, half of the work is done. */
const AGES: Shard = {
  strategy: 'keyset',
  from: null,
  until: day(100),
  oldest: day(0),
  spread: { rows: 1000, marks: [0, 50, 100].map((n) => Date.parse(day(n))) },
};
const after = (rows: number): Cursor => ({ age: day(rows / 10), place: '(0,1)' });

describe('the pace of a slice', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Batches of a slice, each with its milliseconds and its rows. */
  function walk(pace: Pace, before: number, batches: readonly (readonly [millis: number, rows: number])[]) {
    let total = before;
    for (const [millis, rows] of batches) {
      jest.advanceTimersByTime(millis);
      total += rows;
      pace.count(after(total), rows);
    }
    return pace.report(after(total), total, 1);
  }

  test('is all of it, where the shard had begun before', () => {
    const pace = new Pace(AGES, 1, after(500), false);
    const report = walk(pace, 500, [
      [800, 10],
      [100, 40],
      [100, 50],
    ]);
    expect(report).toEqual({ walked: 0.6, seconds: 1, rowsPerSecond: 100, secondsLeft: expect.closeTo(4) });
  });

  test('is its second half, where it begins the shard: sizes start small', () => {
    const pace = new Pace(AGES, 1, null, true);
    const report = walk(pace, 0, [
      [200, 2],
      [300, 8],
      [250, 40],
      [250, 50],
    ]);
    // 90 rows in half a second, 900 are ahead; its time is told whole.
    expect(report).toEqual({ walked: 0.1, seconds: 1, rowsPerSecond: 180, secondsLeft: expect.closeTo(5) });
  });

  test('begins its second half with the last batch that ended in the first', () => {
    const pace = new Pace(AGES, 1, null, true);
    const report = walk(pace, 0, [
      [400, 10],
      [200, 40],
      [400, 50],
    ]);
    expect(report.rowsPerSecond).toBe(150);
  });

  test('is all of it, where the first batch took longer than the others', () => {
    const pace = new Pace(AGES, 1, null, true);
    const report = walk(pace, 0, [
      [900, 50],
      [100, 50],
    ]);
    expect(report).toMatchObject({ rowsPerSecond: 100, secondsLeft: expect.closeTo(9) });
  });

  test('is not known where nothing went through: no rate, no end', () => {
    const pace = new Pace(AGES, 1, null, true);
    jest.advanceTimersByTime(500);
    expect(pace.report(null, 0, 1)).toEqual({
      walked: 0,
      seconds: 0.5,
      rowsPerSecond: null,
      secondsLeft: null,
    });
  });

  test('has a rate and no end where nobody can tell how much is ahead', () => {
    const keys: Shard = { strategy: 'loose-index', after: null, until: null };
    const pace = new Pace(keys, 1, null, false);
    jest.advanceTimersByTime(500);
    pace.count({ key: 'customer-17' }, 50);
    expect(pace.report({ key: 'customer-17' }, 50, 1)).toEqual({
      walked: null,
      seconds: 0.5,
      rowsPerSecond: 100,
      secondsLeft: null,
    });
  });

  test('has nothing left at the end of the shard', () => {
    const pace = new Pace(AGES, 1, after(900), false);
    expect(walk(pace, 900, [[100, 100]])).toMatchObject({ walked: 1, secondsLeft: 0 });
  });

  test('takes in the time after the last batch, as of a walk through rows that stay', () => {
    const pace = new Pace(AGES, 1, after(500), false);
    walk(pace, 500, [[500, 100]]);
    jest.advanceTimersByTime(500);
    expect(pace.report(after(600), 600, 1)).toMatchObject({
      rowsPerSecond: 100,
      secondsLeft: expect.closeTo(4),
    });
  });
});
