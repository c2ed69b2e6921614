import { expect, test } from '@jest/globals';

import { formatMillis } from '../../../worker/cli/output.ts';

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
