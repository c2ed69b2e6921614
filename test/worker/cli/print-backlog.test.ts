import { expect, test } from '@jest/globals';

import type { Backlog, PassBacklog } from '../../../activities/stored/backlog.ts';
import { printPassBacklogs } from '../../../worker/cli/print-backlog.ts';
import { Printed } from '../../support/printed.ts';

const printed = Printed.forEach();

function backlogOf(after: Partial<Backlog>): PassBacklog {
  const counted = { rows: 0, error: 0, oldestSeconds: null, atLeast: false };
  return {
    before: counted,
    after: { ...counted, ...after },
    expiringPerDay: null,
    removedPerDay: null,
    keepsUp: null,
  };
}

test.each([
  [{ rows: 1000, error: 0 }, '1,000'],
  [{ rows: 1000, error: 10 }, 'about 1,000 ± 10'],
  [{ rows: 38, error: 38 }, 'about 38 ± 38'],
  // What may as well be none is a bound, and not "about 0 ± 38".
  [{ rows: 0, error: 38 }, 'at most about 76'],
  [{ rows: 20, error: 38 }, 'at most about 96'],
])('a backlog of %j is written as %s', (after, written) => {
  printPassBacklogs([{ name: 'old', backlog: backlogOf(after) }], true);
  const line = printed.text.split('\n').find((one) => one.trim().startsWith('old '));
  expect(line?.trim().split(/ {2,}/)).toEqual(['old', '0', written]);
});

test('without details a pass that leaves nothing is not listed', () => {
  printPassBacklogs([{ name: 'old', backlog: backlogOf({ rows: 0, error: 38 }) }], false);
  expect(printed.text).toBe('');
  printPassBacklogs([{ name: 'old', backlog: backlogOf({ rows: 5, error: 0, oldestSeconds: 7200 }) }], false);
  expect(printed.text).toMatch(/old.*5.*2 hours/);
});
