import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { openDatabase } from '../../../activities/ledger/database.ts';
import type { TestDatabase } from '../database.ts';
import { createDatabase } from '../database.ts';
import type { TestFile } from '../sqlite.ts';
import { createFile } from '../sqlite.ts';
import { checkTroubledGraph } from './check-trouble.ts';
import type { GraphDatabase } from './check.ts';
import { checkRandomGraph } from './check.ts';
import { RELAYS } from './trouble.ts';

/** So many graphs in one test. */
const CHUNK = 50;
const TABLES = ['t0', 't1', 't2', 't3', 't9', 'heir', 'heirs', 'gone', ...RELAYS, 'said'];

/**
 * Makes so many graphs on each database, from a seed. `TEST_GRAPH_SEED` repeats those of a failure, whose name and message have
 * the seed.
 */
export function testRandomGraphs(graphs: number, usual: number): void {
  const seed = Number(process.env['TEST_GRAPH_SEED'] ?? usual);
  describe(`tables that reference one another in any way, from seed ${seed}`, () => {
    let postgres: TestDatabase;
    let file: TestFile;
    beforeAll(async () => {
      postgres = await createDatabase('template0');
      await postgres.rows('create schema ext; create domain ext."Number" as integer check (value > 0)');
      file = createFile('select 1');
      for (const { url } of [postgres, file]) {
        const opened = await openDatabase(url);
        await opened.ledger.migrate();
        await opened.close();
      }
    });
    afterAll(async () => {
      await postgres.drop();
      file.drop();
    });

    function open(name: string): GraphDatabase {
      if (name === 'PostgreSQL') {
        return {
          url: postgres.url,
          isSqlite: false,
          rows: async (sql) => postgres.rows(sql),
          execute: async (sql) => void (await postgres.rows(sql)),
          reset: async () =>
            void (await postgres.rows(
              `drop table if exists ${TABLES.join(', ')} cascade; delete from vacuum.hold; update vacuum.run set ended_at = now() where ended_at is null`,
            )),
        };
      }
      const tables = TABLES.map((table) => `drop table if exists ${table};`);
      const closed = 'delete from vacuum_hold; update vacuum_run set ended_at = 1 where ended_at is null';
      return {
        url: file.url,
        isSqlite: true,
        rows: async (sql) => file.rows(sql),
        execute: async (sql) => file.execute(sql),
        reset: async () =>
          file.execute(`pragma foreign_keys = off; ${tables.join(' ')} ${closed}; pragma foreign_keys = on`),
      };
    }

    const chunks = Array.from({ length: Math.ceil(graphs / CHUNK) }, (_, n) => n * CHUNK);
    const all = ['PostgreSQL', 'SQLite'].flatMap((name) => chunks.map((first) => [name, first] as const));

    async function checkAll(name: string, first: number, check: typeof checkRandomGraph): Promise<void> {
      const outcomes = new Map<string, number>();
      for (let n = first; n < Math.min(graphs, first + CHUNK); n += 1) {
        const outcome = await check(open(name), seed + n);
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
