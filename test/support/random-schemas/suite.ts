import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { TestDatabase } from '../database.ts';
import { SEED } from '../random.ts';
import type { Outcome } from './check.ts';
import { checkRandomPolicy, makeRandomDatabase } from './check.ts';

/** So many policies in one test. */
const CHUNK = 50;

/** Runs so many random policies. `TEST_SEED` repeats those of a failure, whose message has its seed. */
export function testRandomPolicies(policies: number): void {
  describe(`random schemas and policies from seed ${SEED}`, () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await makeRandomDatabase();
    });
    afterAll(async () => database.drop());

    const chunks = Array.from({ length: Math.ceil(policies / CHUNK) }, (_, n) => n * CHUNK);
    test.each(chunks)('right rows, true previews and an exact ledger from number %s on', async (first) => {
      const outcomes = new Set<Outcome>();
      const last = Math.min(policies, first + CHUNK);
      for (let n = first; n < last; n += 1) outcomes.add(await checkRandomPolicy(database, SEED + n));
      expect(outcomes).toContain('deleted');
    });
  });
}
