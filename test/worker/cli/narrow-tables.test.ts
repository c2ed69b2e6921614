import { stripVTControlCharacters } from 'node:util';

import { expect, test } from '@jest/globals';

import { printCurrentBacklogs } from '../../../worker/cli/print-backlog.ts';
import { printSizes } from '../../../worker/cli/print-sizes.ts';
import { Printed } from '../../support/printed.ts';

// The longest names that the policy of Prefect has, and the largest numbers of a database of some terabytes.
const PASS = 'stale-artifact-collections';
const TABLE = 'task_run_state_cache';

const printed = Printed.forEach();

function expectNarrow(): void {
  expect(
    stripVTControlCharacters(printed.text)
      .split('\n')
      .filter((line) => line.length > 80),
  ).toEqual([]);
}

test('sizes, bloat and vacuums of a table fit a terminal of 80 columns', () => {
  const bloat = { bytes: 2 ** 40, percent: 45.5, by: 'estimate' as const };
  const hours = (ago: number): string => new Date(Date.now() - ago * 3_600_000).toISOString();
  const sizes = {
    table: TABLE,
    heap: 1.5 * 2 ** 40,
    indexes: 999.5 * 2 ** 30,
    toast: 1023.5 * 2 ** 20,
    live: 1_234_567_890,
    dead: 123_456_789,
    bloat,
    indexBloat: bloat,
    lastVacuum: hours(400),
    lastAutovacuum: hours(251.5),
    lastAnalyze: null,
    lastAutoanalyze: null,
  };
  printSizes([sizes]);
  expectNarrow();
  expect(printed.text).toMatch(/task_run_state_cache +1.5 TiB +45.5 % +999.5 GiB +45.5 % +1023.5 MiB\n/);
  expect(printed.text).toMatch(/task_run_state_cache +1,234,567,890 +123,456,789 +10d ago \(auto\) +never\n/);
});

test('what waits and how fast it comes and goes fits as well', () => {
  const left = { rows: 123_456_789, error: 1_234_567, oldestSeconds: 9e6, atLeast: true };
  printCurrentBacklogs([
    {
      pass: PASS,
      kind: 'expireRows',
      now: left,
      why: null,
      last: {
        run: 5,
        endedAt: new Date().toISOString(),
        left,
        expiringPerDay: 10_000_000,
        removedPerDay: 10_000_000,
        keepsUp: true,
      },
    },
  ]);
  expectNarrow();
  expect(printed.text).toMatch(/about 123,456,789 ± 1,234,567 +at least 104 days\n/);
  expect(printed.text).toMatch(/10,000,000 +10,000,000 +yes, 12 days behind\n/);
});
