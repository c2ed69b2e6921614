import { describe, expect, test } from '@jest/globals';

import { computePace, countDaysBehind, hasGrown } from '../../../activities/inspect/backlog.ts';
import type { Backlog, EarlierBacklog } from '../../../activities/stored/backlog.ts';

const left = (rows: number, error = 0): Backlog => ({ rows, error, oldestSeconds: null, atLeast: false });
const earlier = (rows: number, removed: number, hours = 24, error = 0): EarlierBacklog => {
  return { run: 1, secondsAgo: hours * 3600, after: left(rows, error), removed };
};

describe('a backlog', () => {
  test('grows by more than the few rows that expire between the last batch and the look', () => {
    expect(hasGrown(earlier(0, 0), left(10))).toBe(false);
    expect(hasGrown(earlier(0, 0), left(11))).toBe(true);
    expect(hasGrown(earlier(500, 0), left(500))).toBe(false);
    expect(hasGrown(earlier(500, 0), left(100))).toBe(false);
  });

  test('does not grow by what samples cannot tell', () => {
    expect(hasGrown(earlier(1000, 0, 24, 300), left(1999, 400))).toBe(false);
    expect(hasGrown(earlier(1000, 0, 24, 300), left(2001, 400))).toBe(true);
  });

  test('is none if it is a tenth of what runs remove, and one from then on', () => {
    expect(hasGrown(earlier(0, 100_000), left(10_000))).toBe(false);
    expect(hasGrown(earlier(9_000, 100_000), left(10_001))).toBe(true);
  });
});

test('days of work are what waits by what runs remove a day; less than half a day is none', () => {
  expect(countDaysBehind(left(1490), { removedPerDay: 500 })).toBe(3);
  expect(countDaysBehind(left(250), { removedPerDay: 500 })).toBe(1);
  expect(countDaysBehind(left(249), { removedPerDay: 500 })).toBeNull();
  expect(countDaysBehind(left(249), { removedPerDay: 0 })).toBeNull();
  expect(countDaysBehind(left(249), { removedPerDay: null })).toBeNull();
});

describe('the pace', () => {
  test('is not known at the first run', () => {
    expect(computePace(null, left(5))).toEqual({ expiringPerDay: null, removedPerDay: null, keepsUp: null });
  });

  test('is what went and what came, and their difference is how fast the backlog grows', () => {
    expect(computePace(earlier(100, 600, 12), left(350))).toEqual({
      expiringPerDay: 1700,
      removedPerDay: 1200,
      keepsUp: false,
    });
    expect(computePace(earlier(350, 600, 12), left(100))).toEqual({
      expiringPerDay: 700,
      removedPerDay: 1200,
      keepsUp: true,
    });
  });

  test('is never below nothing: rows that somebody else deleted did not expire backwards', () => {
    expect(computePace(earlier(900, 100), left(0)).expiringPerDay).toBe(0);
  });

  test('is not told per day from less than an hour', () => {
    expect(computePace(earlier(0, 100, 0.99), left(0))).toEqual({
      expiringPerDay: null,
      removedPerDay: null,
      keepsUp: true,
    });
    expect(computePace(earlier(0, 100, 1), left(0)).removedPerDay).toBe(2400);
  });
});
