import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClientBase } from 'pg';
import { Pool } from 'pg';

import { openDatabase } from '../../../activities/ledger/database.ts';
import { readHistory, readReport } from '../../../activities/ledger/reports.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createShop, Order, OrderLine, shopPolicy } from '../../support/shop.ts';

const old = { age: 'closedAt', olderThan: '10 days' } as const;

describe('the history', () => {
  let shop: TestDatabase;
  let pool: Pool;
  let statements: string[];

  beforeEach(async () => {
    shop = await createShop();
    statements = [];
    pool = new Pool({ connectionString: shop.url, max: 1 });
    pool.on('connect', (client) => recordStatements(client, statements));
  });
  afterEach(async () => {
    await pool.end();
    await shop.drop();
  });

  /** Runs of two policies, each of which deletes its own number of orders, with sizes; the last run of each stays open. */
  async function fill(runs: number): Promise<void> {
    for (let n = 1; n <= runs; n += 1) {
      await shop.rows(
        `insert into shop_order
         select $1::int * 1000 + n, 'shipped', now() - interval '20 days' from generate_series(1, $1::int) as n`,
        [n],
      );
      const name = n % 2 === 0 ? 'even' : 'odd';
      await runEngine(shop.url, shopPolicy({ name, passes: [expireRows({ name, entity: Order, ...old })] }));
    }
    for (const moment of ['begin', 'end']) {
      await shop.rows(
        `insert into vacuum.size (run_id, moment, label, heap, indexes, toast, live, dead, measured)
         select
           id, $1::text, 'shop_order', 0, 0, 0, 0, 0,
           jsonb_build_object('table', 'shop_order', 'heap', 8192 * (id + ($1 = 'begin')::int), 'indexes', 0, 'toast', 0)
         from vacuum.run`,
        [moment],
      );
    }
    await shop.rows(`update vacuum.run set ended_at = null, status = 'running' where id > $1`, [runs - 2]);
    // The totals of an open run are those of its batches.
    await shop.rows(`update vacuum.pass set rows = 0, deleted = '{}', batches = 0 where run_id > $1`, [
      runs - 2,
    ]);
  }

  async function read(which: { readonly policy?: string; readonly limit: number }): Promise<LedgerReport[]> {
    const database = await openDatabase(pool);
    // The first use of a session sets it up.
    await database.ledger.version();
    statements.length = 0;
    return readHistory(database.ledger, which);
  }

  test('takes the same number of statements whatever the number of runs', async () => {
    await fill(7);
    for (const limit of [1, 3, 100]) {
      expect(await read({ limit })).toHaveLength(Math.min(limit, 7));
      expect({ limit, statements: statements.length }).toEqual({ limit, statements: 6 });
    }
  });

  test('gives each run its own passes, sizes and totals, the newest run first', async () => {
    await fill(7);
    const database = await openDatabase(pool);
    const all = await read({ limit: 100 });
    expect(all.map(({ run }) => run)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    for (const report of all) {
      const run = report.run ?? 0;
      expect(report).toMatchObject({
        policy: run % 2 === 0 ? 'even' : 'odd',
        status: run > 5 ? 'running' : 'completed',
        rows: run,
        deleted: { shop_order: run },
        bytes: 8192,
        passes: [{ name: report.policy, rows: run, status: run > 5 ? 'running' : 'completed' }],
        sizes: [{ table: 'shop_order', before: { heap: 8192 * (run + 1) }, after: { heap: 8192 * run } }],
      });
    }
    const ended = all.slice(2);
    expect(await Promise.all(ended.map(async ({ run }) => readReport(database.ledger, run ?? 0)))).toEqual(
      ended,
    );
    const even = await read({ policy: 'even', limit: 2 });
    expect(even.map(({ run }) => run)).toEqual([6, 4]);
    expect(await readReport(database.ledger, 8)).toBeUndefined();
  });

  test('lists the passes of a run in their order, with those that found nothing', async () => {
    const passes = ['c', 'a', 'b'].map((name) => expireRows({ name, entity: Order, ...old }));
    await runEngine(shop.url, shopPolicy({ entities: [Order, OrderLine], passes }));
    const [report] = await read({ limit: 1 });
    expect(report?.passes.map(({ name, rows }) => [name, rows])).toEqual([
      ['c', 0],
      ['a', 0],
      ['b', 0],
    ]);
  });
});

function recordStatements(client: ClientBase, statements: string[]): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const recorded = (...args: unknown[]): unknown => {
    statements.push(JSON.stringify(args[0]));
    return query(...args);
  };
  Object.assign(client, { query: recorded });
}
