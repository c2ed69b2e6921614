import { afterEach, expect, jest, test } from '@jest/globals';

import { formatInstant } from '../../../policy/format-instant.ts';
import { formatMillis, printTable } from '../../../worker/cli/output.ts';

test.each([
  [0, '0ms'],
  [999, '999ms'],
  [59_999, '59.9s'],
  [60_000, '1m'],
  // A minute never has 60 seconds, and an hour never 60 minutes.
  [119_999, '2m'],
  [3_599_999, '1h'],
  [630 * 60_000 + 59_999, '10h 31m'],
  [3 * 24 * 3_600_000, '3d'],
])('%i ms are written as %s', (millis, written) => {
  expect(formatMillis(millis)).toBe(written);
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('a table has no column without a value and no space at the ends of its lines, and a zero is a value', () => {
  let output = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    output += String(chunk);
    return true;
  });
  printTable(
    ['table', 'toast', 'rows', 'why'],
    [
      ['log', '', 1234, 'old'],
      ['events', '', 0, ''],
    ],
  );
  expect(output).toBe(' table    rows  why\n log     1,234  old\n events      0\n');
});

test.each([
  ['2026-11-28T10:16:59.999Z', '2026-11-28 10:16 UTC'],
  ['-000100-01-01T00:00:00.000Z', '-000100-01-01 00:00 UTC'],
  ['infinity', 'infinity'],
])('the instant %s is written as %s', (instant, written) => {
  expect(formatInstant(instant)).toBe(written);
});
