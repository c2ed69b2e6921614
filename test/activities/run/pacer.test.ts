import { describe, expect, test } from '@jest/globals';

import { Pacer } from '../../../activities/run/pacer.ts';

/** Batches of a database that needs so many milliseconds a row; returns the times. */
function pace(pacer: Pacer, millisPerRow: (batch: number) => number, batches: number): number[] {
  const times: number[] = [];
  for (let n = 0; n < batches; n += 1) {
    const rows = pacer.size;
    const millis = rows * millisPerRow(n) + 1;
    pacer.learn(millis, rows, rows);
    times.push(millis);
  }
  return times;
}

describe('the pacer', () => {
  test('starts at 1000 rows and settles below the target', () => {
    const pacer = new Pacer(100, 1);
    expect(pacer.size).toBe(1000);
    const times = pace(pacer, () => 0.002, 40);
    expect(Math.max(...times)).toBeLessThan(100);
    expect(times.at(-1)).toBeGreaterThan(40);
  });

  test('grows at most fourfold from one batch to the next, and no further than what is aimed at', () => {
    const pacer = new Pacer(100, 1);
    pacer.learn(1, 1000, 1000);
    expect(pacer.size).toBe(4000);
    // 20 of the 60 ms that a batch aims at.
    pacer.learn(20, 4000, 4000);
    expect(pacer.size).toBe(12_000);
  });

  test('reads at most four times as much for a row as the batch before, if that found few and was fast', () => {
    const pacer = new Pacer(100, 1);
    const outcome = { cursor: null, done: false, taken: 0, skipped: 0, moved: 0 };
    pacer.learnFrom({ outcome: { ...outcome, filled: 0.2 }, millis: 5, rows: 0 });
    expect(pacer.readFactor).toBe(4);
    pacer.learnFrom({ outcome: { ...outcome, filled: 0.2 }, millis: 40, rows: 0 });
    expect(pacer.readFactor).toBe(4);
    pacer.learnFrom({ outcome: { ...outcome, filled: 0.3 }, millis: 5, rows: 0 });
    expect(pacer.readFactor).toBe(4);
  });

  test('reads no more in all than four times the batch before, and no further than what is aimed at', () => {
    const pacer = new Pacer(100, 1);
    const sparse = { cursor: null, done: false, taken: 0, skipped: 0, moved: 0, filled: 0.1 };
    const readRows = (): number => pacer.size * pacer.readFactor;
    const millisPerRow = 0.001;
    for (let n = 0; n < 20; n += 1) {
      const before = readRows();
      const millis = before * millisPerRow;
      pacer.learnFrom({ outcome: sparse, millis, rows: 0 });
      expect(readRows()).toBeLessThanOrEqual(4 * before);
      expect(readRows() * millisPerRow).toBeLessThanOrEqual(61);
    }
    expect(readRows() * millisPerRow).toBeGreaterThan(15);
  });

  test('follows a database that becomes ten times slower within two batches', () => {
    const pacer = new Pacer(100, 1);
    const times = pace(pacer, (n) => (n < 30 ? 0.002 : 0.02), 40);
    expect(times.slice(32).every((millis) => millis < 100)).toBe(true);
  });

  test('does not grow without bounds where nothing is deleted', () => {
    const pacer = new Pacer(100, 1);
    for (let n = 0; n < 100; n += 1) pacer.learn(2, 0, 0);
    // What then lies dense costs at most 2 us a row, as first expected of any: twice the aim.
    expect(pacer.size * 0.004).toBeLessThanOrEqual(121);
  });

  test('halves after a timeout, down to one row', () => {
    const pacer = new Pacer(100, 1);
    pacer.shrink();
    expect(pacer.size).toBe(500);
    for (let n = 0; n < 20; n += 1) pacer.shrink();
    expect(pacer.size).toBe(1);
  });

  test('stays at a size where rows count, whatever a batch takes by itself, until one is ended by a timeout', () => {
    const pacer = new Pacer(10, 1);
    for (let n = 0; n < 20; n += 1) pacer.learn(8, 20, 20);
    expect(pacer.size).toBe(100);
    pacer.shrink();
    pacer.learn(8, 20, 20);
    expect(pacer.size).toBeLessThanOrEqual(50);
  });

  test('learns from the batches that drain an oversized row what its rows cost, and nothing else', () => {
    const pacer = new Pacer(100, 1);
    expect(pacer.chunk).toBe(15_000);
    pacer.learnChunk(300, 15_000);
    expect(pacer.chunk).toBeLessThan(5000);
    expect(pacer.size).toBe(1000);
    for (let n = 0; n < 10; n += 1) pacer.learnChunk(pacer.chunk * 0.002, pacer.chunk);
    expect(pacer.chunk).toBeGreaterThan(20_000);
  });

  test('learns how many rows come with one', () => {
    const pacer = new Pacer(100, 10);
    for (let n = 0; n < 30; n += 1) pacer.learn(50, 5000, 50);
    expect(Math.round(pacer.rowsPerParent)).toBe(100);
  });
});
