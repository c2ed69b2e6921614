import { describe, expect, test } from '@jest/globals';

import { measureShard } from '../../../activities/ledger/measure-shard.ts';
import type { Cursor } from '../../../activities/stored/cursor.ts';
import type { Shard } from '../../../activities/stored/scan.ts';

const partAt = (shard: Shard, cursor: Cursor, rows = 0, round = 1): number | null =>
  measureShard(shard, 1, {
    round,
    done: false,
    at: 0,
    cursor,
    rows,
    ownRows: 0,
    fromCursor: null,
    recentRows: 0,
    recentMillis: 0,
  }).part;
const page = (n: number): Cursor => ({ location: `(${n},0)` });
const atAge = (age: string): Cursor => ({ location: `(0,1) ${age}` });
const day = (n: number): string => new Date(Date.UTC(2026, 0, n)).toISOString();
const marks = (from: number, until: number): number[] =>
  Array.from({ length: 33 }, (_, n) => from + (n / 32) * (until - from));

describe('the part of the work that is done', () => {
  const pages = {
    scan: 'by-location',
    fromPage: 0,
    untilPage: 1000,
    open: true,
    rowsPerPage: 50,
  } as const;

  test('by pages, rows even: the part of the pages', () => {
    const shard = { ...pages, spread: { rows: 25_000, marks: marks(0, 1000) } };
    expect(partAt(shard, null)).toBe(0);
    expect(partAt(shard, page(250), 6250)).toBeCloseTo(0.25, 2);
    expect(partAt(shard, page(1000), 25_000)).toBe(1);
  });

  test('by pages, all rows in the first tenth: nearly all work is done when they are gone', () => {
    const shard = { ...pages, spread: { rows: 50_000, marks: marks(0, 100) } };
    expect(partAt(shard, page(50), 25_000)).toBeCloseTo(0.45, 1);
    expect(partAt(shard, page(100), 50_000)).toBeGreaterThan(0.85);
  });

  test('by pages, all rows in the last tenth: little is done when they begin', () => {
    const shard = { ...pages, spread: { rows: 50_000, marks: marks(900, 1000) } };
    expect(partAt(shard, page(900))).toBeLessThan(0.15);
  });

  test('by pages, of a part: only the rows that lie in it', () => {
    const spread = { rows: 50_000, marks: marks(0, 1000) };
    const first = { ...pages, untilPage: 500, open: false, spread };
    expect(partAt(first, page(250), 12_500)).toBeCloseTo(0.5, 1);
    expect(partAt(first, page(500), 25_000)).toBe(1);
  });

  test('by pages, without a sample or in a later round: as dense ahead as behind', () => {
    expect(partAt(pages, page(250), 4000)).toBeCloseTo(0.25, 2);
    const shard = { ...pages, spread: { rows: 50_000, marks: marks(0, 100) } };
    expect(partAt(shard, page(250), 4000, 2)).toBeCloseTo(0.25, 2);
  });

  test('by age: rows and not days, however unevenly they lie', () => {
    const ages = { scan: 'by-age', from: null, until: day(101), oldest: day(1) } as const;
    const crowded = {
      ...ages,
      spread: { rows: 1000, marks: marks(Date.parse(day(91)), Date.parse(day(101))) },
    };
    expect(partAt(crowded, atAge(day(90)), 10)).toBeLessThan(0.05);
    expect(partAt(crowded, atAge(day(96)), 500)).toBeCloseTo(0.5, 2);
    expect(partAt(ages, atAge(day(51)))).toBeCloseTo(0.5, 2);
    expect(partAt({ ...ages, oldest: null }, atAge(day(51)))).toBeNull();
  });

  test('by key: where UUIDs and integers lie among all rows; null if keys tell nothing', () => {
    const keys = { scan: 'by-parent-key', after: null, until: null } as const;
    expect(partAt(keys, { location: '80000000-0000-4000-8000-000000000000' })).toBeCloseTo(0.5, 2);
    const numbered = { ...keys, spread: { rows: 1000, marks: marks(5000, 6000) } };
    expect(partAt(numbered, { location: '5250' })).toBeCloseTo(0.25, 2);
    expect(partAt(keys, { location: 'customer-17' })).toBeNull();
  });

  test('by files: of both walks as a former run counted them; null without one and where there are more by now', () => {
    const listing = (files: number, again?: number): Cursor => ({
      listing: {
        removing: again !== undefined,
        after: null,
        files,
        strays: 0,
        again: { files: again ?? 0, strays: 0 },
      },
    });
    const unknown = { scan: 'files' } as const;
    expect(partAt(unknown, null)).toBeNull();
    expect(partAt(unknown, listing(500))).toBeNull();
    expect(partAt(unknown, listing(1000, 500))).toBeCloseTo(0.75, 3);
    const looking = { ...unknown, expected: { files: 1000, walks: 1 } } as const;
    expect(partAt(looking, null)).toBe(0);
    expect(partAt(looking, listing(250))).toBeCloseTo(0.25, 3);
    expect(partAt(looking, listing(1000))).toBeLessThan(1);
    expect(partAt(looking, listing(1001))).toBeNull();
    const removing = { ...unknown, expected: { files: 1000, walks: 2 } } as const;
    expect(partAt(removing, listing(500))).toBeCloseTo(0.25, 3);
    expect(partAt(removing, listing(1500))).toBeNull();
    expect(partAt(removing, listing(1500, 0))).toBeCloseTo(0.5, 3);
  });
});
