import { describe, expect, test } from '@jest/globals';

import { LongPeriodSchema } from '../../policy/period-schemas.ts';
import type { Period } from '../../policy/period.ts';
import { isPeriod, subtractPeriod } from '../../policy/period.ts';
import { findIssues } from '../../policy/zod-issues.ts';

const before = (instant: string, period: Period): string =>
  new Date(subtractPeriod(Date.parse(instant), period)).toISOString();

describe('a period before an instant', () => {
  test.each<[string, string, Period, string]>([
    ['a day that its month lacks', '2026-08-31T12:00:00Z', '6 months', '2026-02-28T12:00:00.000Z'],
    ['a leap day', '2028-02-29T12:00:00Z', '1 year', '2027-02-28T12:00:00.000Z'],
    ['a leap day, to a leap day', '2028-02-29T12:00:00Z', '4 years', '2024-02-29T12:00:00.000Z'],
    ['the year before', '2026-01-15T00:00:00Z', '1 month', '2025-12-15T00:00:00.000Z'],
    ['another day there', '2026-08-31T23:00:00Z', '1 month in Asia/Tokyo', '2026-07-31T23:00:00.000Z'],
    ['winter from summer', '2026-08-15T10:00:00Z', '6 months in Europe/Berlin', '2026-02-15T11:00:00.000Z'],
    ['an hour left out', '2026-04-29T00:30:00Z', '1 month in Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['the later of two', '2026-11-25T01:30:00Z', '1 month in Europe/Berlin', '2026-10-25T01:30:00.000Z'],
    ['a fixed duration', '2026-08-31T12:00:00Z', '90 days', '2026-06-02T12:00:00.000Z'],
  ])('%s', (_, instant, period, expected) => {
    expect(before(instant, period)).toBe(expected);
  });

  test.each([
    '1.5 months',
    '1.5 years',
    '0 months',
    '6 months in Mars',
    '6 months in',
    'a month',
    '-1 month',
  ])('%s is none', (text) => {
    expect(isPeriod(text)).toBe(false);
    expect(findIssues(LongPeriodSchema, text, 'here')[0]?.fix).toContain("'6 months in Europe/Berlin'");
  });

  test.each(['6 months', '1 year', '2y', '18 months in Asia/Kathmandu', '90 days', '61 minutes'])(
    '%s is one',
    (text) => {
      expect(findIssues(LongPeriodSchema, text, 'here')).toEqual([]);
    },
  );

  test.each(['59 minutes', 0, '1 m'])('%s is too short', (period) => {
    expect(findIssues(LongPeriodSchema, period, 'here')[0]?.what).toContain('nearly everything');
  });
});
