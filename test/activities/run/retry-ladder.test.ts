import { describe, expect, test } from '@jest/globals';

import { RetryLadder } from '../../../activities/run/retry-ladder.ts';

const lock = Object.assign(new Error('lock timeout'), { code: '55P03' });
const timeout = Object.assign(new Error('statement timeout'), { code: '57014' });
const gone = Object.assign(new Error('server closed'), { code: '57P01' });

describe('the retry ladder', () => {
  test('a lock is tried around more and more carefully, and its row is skipped at last', () => {
    const ladder = new RetryLadder();
    const approaches = [ladder.approach];
    while (ladder.canRetry(lock)) approaches.push(ladder.approach);
    expect(approaches.map(({ lockFirst, skipFirstRow, part }) => [lockFirst, skipFirstRow, part])).toEqual([
      [false, false, 1],
      [true, false, 0.5],
      [true, false, 0.1],
      [true, false, 0],
      [true, true, 0],
    ]);
  });

  test('more than three rows in a row are not skipped', () => {
    const ladder = new RetryLadder();
    for (let row = 0; row < 3; row += 1) {
      for (let step = 0; step < 4; step += 1) expect(ladder.canRetry(lock)).toBe(true);
      expect(ladder.approach.skipFirstRow).toBe(true);
      ladder.succeed(0);
    }
    for (let step = 0; step < 3; step += 1) expect(ladder.canRetry(lock)).toBe(true);
    expect(ladder.canRetry(lock)).toBe(false);
  });

  test('what is slow is not skipped, and makes the next batches lockFirst', () => {
    const ladder = new RetryLadder();
    for (let step = 0; step < 3; step += 1) expect(ladder.canRetry(timeout)).toBe(true);
    expect(ladder.canRetry(timeout)).toBe(false);
    const lockFirst = new RetryLadder();
    lockFirst.canRetry(timeout);
    lockFirst.succeed(10);
    expect(lockFirst.approach).toEqual({ lockFirst: true, skipFirstRow: false, isolate: false, part: 1 });
    for (let batch = 0; batch < 50; batch += 1) lockFirst.succeed(10);
    expect(lockFirst.approach.lockFirst).toBe(false);
  });

  test('a row that the database refuses is looked for, once and for some batches on', () => {
    const refused = Object.assign(new Error('still referenced'), { code: '23503' });
    const ladder = new RetryLadder();
    expect(ladder.canRetry(refused)).toBe(true);
    expect(ladder.approach).toEqual({ lockFirst: true, skipFirstRow: false, isolate: true, part: 1 });
    expect(ladder.canRetry(timeout)).toBe(true);
    expect(ladder.approach).toMatchObject({ isolate: true, part: 0.5 });
    expect(ladder.canRetry(refused)).toBe(false);
    for (let batch = 0; batch < 50; batch += 1) ladder.succeed(10);
    expect(ladder.approach.isolate).toBe(false);
    expect(ladder.canRetry(refused)).toBe(true);
  });

  test('other errors are not for it', () => {
    expect(new RetryLadder().canRetry(gone)).toBe(false);
    expect(new RetryLadder().canRetry(new TypeError('a defect'))).toBe(false);
  });
});
