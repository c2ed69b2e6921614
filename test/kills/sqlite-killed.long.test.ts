import { test } from '@jest/globals';

import { killAtRandom } from '../support/killed-file.ts';
import { makeRandom, SEED } from '../support/random.ts';

const KILLS = Number(process.env['TEST_KILLS'] ?? 300);

test(
  `${KILLS} SIGKILLs of a process that cleans SQLite files: the ledger is the difference each time (TEST_SEED=${SEED})`,
  async () => killAtRandom(KILLS, makeRandom(SEED)),
  30 * 60_000,
);
