import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { checkTroubledGraph } from './check-trouble.ts';
import { checkRandomGraph } from './check.ts';
import type { OpenDatabase } from './open-database.ts';
import { openGraphDatabase } from './open-database.ts';

/** So many graphs in one test. */
const CHUNK = 50;

/**
 * Makes so many graphs on each database, from a seed. `TEST_GRAPH_SEED` repeats those of a failure, whose name and message have
 * the seed.
 */
export function testRandomGraphs(graphs: number, usual: number): void {
  const seed = Number(process.env['TEST_GRAPH_SEED'] ?? usual);
  describe(`tables that reference one another in any way, from seed ${seed}`, () => {
    const opened = new Map<string, OpenDatabase>();
    beforeAll(async () => {
      opened.set('PostgreSQL', await openGraphDatabase(false));
      opened.set('SQLite', await openGraphDatabase(true));
    });
    afterAll(async () => {
      for (const { close } of opened.values()) await close();
    });

    const chunks = Array.from({ length: Math.ceil(graphs / CHUNK) }, (_, n) => n * CHUNK);
    const all = ['PostgreSQL', 'SQLite'].flatMap((name) => chunks.map((first) => [name, first] as const));

    async function checkAll(name: string, first: number, check: typeof checkRandomGraph): Promise<void> {
      const { database } = opened.get(name) as OpenDatabase;
      const outcomes = new Map<string, number>();
      for (let n = first; n < Math.min(graphs, first + CHUNK); n += 1) {
        const outcome = await check(database, seed + n);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      expect((outcomes.get('deleted') ?? 0) + (outcomes.get('kept some') ?? 0)).toBeGreaterThan(0);
    }

    test.each(all)(
      '%s deletes the right rows, as previewed and recorded, or refuses, from number %i on',
      async (name, first) => checkAll(name, first, checkRandomGraph),
    );

    test.each(all)(
      '%s counts all, deletes nothing held and leaves nothing dangling under triggers that write and schemas that change, from number %i on',
      async (name, first) => checkAll(name, first, checkTroubledGraph),
    );
  });
}
