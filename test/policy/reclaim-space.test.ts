import { describe, expect, test } from '@jest/globals';

import { checkPolicy } from '../../policy/check.ts';
import type { ReclaimSpaceOptions } from '../../policy/reclaim-space.ts';
import { reclaimSpace } from '../../policy/reclaim-space.ts';
import { expiring, makePolicy } from '../support/items.ts';

describe('a reclaimSpace pass', () => {
  const check = (options: Partial<ReclaimSpaceOptions>): string[] =>
    checkPolicy(makePolicy(expiring(), reclaimSpace({ name: 'reclaim', ...options }))).map(
      ({ what }) => what,
    );

  test('is right by itself', () => {
    expect(check({})).toEqual([]);
    expect(check({ mode: 'full', window: '22:00-04:00', timezone: 'Asia/Bangkok', retries: 0 })).toEqual([]);
  });

  test('of mode full says when, since nobody can use a table meanwhile', () => {
    expect(check({ mode: 'full' })).toEqual([
      'mode full has no window, and nobody can use a table while it is rewritten',
    ]);
  });

  test('has all its mistakes told together', () => {
    const options = {
      mode: 'compact' as 'full',
      window: '1-5',
      timezone: 'Mars',
      lockTimeout: '2 h',
      retries: -1,
    } as const;
    expect(check(options)).toEqual([
      'mode is "compact"',
      'lockTimeout is "2 h"',
      'retries is -1',
      'timezone is "Mars"',
      'window is "1-5"',
    ]);
  });
});
