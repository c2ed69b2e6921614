import { describe, expect, test } from '@jest/globals';

import { Setbacks } from '../../../activities/batch/setbacks.ts';

const lock = Object.assign(new Error('lock timeout'), { code: '55P03' });
const timeout = Object.assign(new Error('statement timeout'), { code: '57014' });
const gone = Object.assign(new Error('server closed'), { code: '57P01' });

describe('setbacks', () => {
  test('a lock is tried around more and more carefully, and its row is passed over at last', () => {
    const setbacks = new Setbacks();
    const approaches = [setbacks.approach];
    while (setbacks.canGoOn(lock)) approaches.push(setbacks.approach);
    expect(approaches.map(({ careful, passOver, part }) => [careful, passOver, part])).toEqual([
      [false, false, 1],
      [true, false, 0.5],
      [true, false, 0.1],
      [true, false, 0],
      [true, true, 0],
    ]);
  });

  test('more than three rows in a row are not passed over', () => {
    const setbacks = new Setbacks();
    for (let row = 0; row < 3; row += 1) {
      for (let step = 0; step < 4; step += 1) expect(setbacks.canGoOn(lock)).toBe(true);
      expect(setbacks.approach.passOver).toBe(true);
      setbacks.success(0);
    }
    for (let step = 0; step < 3; step += 1) expect(setbacks.canGoOn(lock)).toBe(true);
    expect(setbacks.canGoOn(lock)).toBe(false);
  });

  test('what is slow is not passed over, and makes the next batches careful', () => {
    const setbacks = new Setbacks();
    for (let step = 0; step < 3; step += 1) expect(setbacks.canGoOn(timeout)).toBe(true);
    expect(setbacks.canGoOn(timeout)).toBe(false);
    const careful = new Setbacks();
    careful.canGoOn(timeout);
    careful.success(10);
    expect(careful.approach).toEqual({ careful: true, passOver: false, part: 1 });
    for (let batch = 0; batch < 50; batch += 1) careful.success(10);
    expect(careful.approach.careful).toBe(false);
  });

  test('other errors are not for it', () => {
    expect(new Setbacks().canGoOn(gone)).toBe(false);
    expect(new Setbacks().canGoOn(new TypeError('a defect'))).toBe(false);
  });
});
