import { describe, expect, test } from '@jest/globals';

import { checkPolicy } from '../../policy/check.ts';
import type { ReclaimSpaceOptions } from '../../policy/reclaim-space.ts';
import { reclaimSpace } from '../../policy/reclaim-space.ts';
import { parseTimeWindow } from '../../policy/time-window.ts';
import { expiring, policyOf } from '../support/items.ts';

describe('a reclaimSpace pass', () => {
  const check = (options: Partial<ReclaimSpaceOptions>): string[] =>
    checkPolicy(policyOf(expiring(), reclaimSpace({ name: 'reclaim', ...options }))).map(({ what }) => what);

  test('is right by itself', () => {
    expect(check({})).toEqual([]);
    expect(check({ mode: 'full', between: '22:00-04:00', timezone: 'Asia/Bangkok', retries: 0 })).toEqual([]);
  });

  test('of mode full says when, since nobody can use a table meanwhile', () => {
    expect(check({ mode: 'full' })).toEqual([
      'mode full has no between, and nobody can use a table while it is rewritten',
    ]);
  });

  test('has all its mistakes told together', () => {
    const options = {
      mode: 'compact' as 'full',
      between: '1-5',
      timezone: 'Mars',
      lockTimeout: '2 h',
      retries: -1,
    } as const;
    expect(check(options)).toEqual([
      'mode is "compact"',
      'lockTimeout is "2 h"',
      'retries is -1',
      'between "1-5" is no part of a day',
      'timezone "Mars" is no known time zone',
    ]);
  });

  test.each([
    ['01:00-05:00', { from: 60, until: 300 }],
    ['22:30-04:05', { from: 1350, until: 245 }],
    ['00:00-24:00', { from: 0, until: 1440 }],
    ['24:00-05:00', undefined],
    ['01:60-05:00', undefined],
    ['05:00-05:00', undefined],
    ['01:00-24:01', undefined],
    ['1:00-5:00', undefined],
    [undefined, undefined],
  ])('reads %s', (text, window) => {
    expect(parseTimeWindow(text)).toEqual(window);
  });
});
