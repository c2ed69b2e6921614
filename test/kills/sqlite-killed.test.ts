import { test } from '@jest/globals';

import { killAtRandom } from '../support/killed-file.ts';
import { makeRandom, SEED } from '../support/random.ts';

test(
  `a process that cleans a SQLite file and is killed leaves a ledger that is the difference, and the next goes on (TEST_SEED=${SEED})`,
  async () => killAtRandom(8, makeRandom(SEED)),
  2 * 60_000,
);
