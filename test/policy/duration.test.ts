import { describe, expect, test } from '@jest/globals';

import { parseDuration, formatDuration } from '../../policy/duration.ts';

describe('a duration', () => {
  test.each([
    ['90 days', 7_776_000_000],
    ['12h', 43_200_000],
    ['1.5 hours', 5_400_000],
    [250, 250],
    ['0', 0],
    [' 1 day ', 86_400_000],
    ['-1 day', -86_400_000],
  ])('%s is understood', (given, millis) => {
    expect(parseDuration(given)).toBe(millis);
  });

  test.each(['', 'soon', '1 fortnight', '90 days old', Number.NaN, Infinity, null, undefined, {}, true])(
    '%s is none',
    (given) => {
      expect(parseDuration(given)).toBeUndefined();
    },
  );

  test.each([
    [250, '250 milliseconds'],
    [1000, '1 second'],
    [90_000, '1 minute 30 seconds'],
    [5_400_000, '1 hour 30 minutes'],
    [37_799_600, '10 hours 30 minutes'],
    [59_999, '1 minute'],
    [-90_000, '-1 minute 30 seconds'],
    [86_400_000, '1 day'],
    [7_776_000_000, '90 days'],
    [34_560_000_000, '400 days'],
    [90_061_000, '1 day 1 hour'],
  ])('%s is said as %s', (millis, said) => {
    expect(formatDuration(millis)).toBe(said);
  });
});
