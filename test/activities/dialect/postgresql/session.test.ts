import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';

import { inTransaction } from '../../../../activities/dialect/postgresql/transaction.ts';
import { openDatabase } from '../../../../activities/ledger/database.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../../support/database.ts';
import { runEngine } from '../../../support/engine.ts';
import { createShop, Folder, Order, shopPolicy } from '../../../support/shop.ts';
import { waitFor } from '../../../support/wait.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LIMITS = { lockMillis: 1000, statementMillis: 5000 };

describe('sessions of a database', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  test('one of a pool of somebody else that is ended in the middle is an error, not the end of the process', async () => {
    const pool = new Pool({ connectionString: shop.url, max: 2 });
    const { session } = await openDatabase(pool);
    const lost = session.transaction(LIMITS, async (tx) => {
      await tx.facts.readClock();
      const ended = await shop.rows<{ pid: number }>(
        `select pid, pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and state = 'idle in transaction'`,
      );
      expect(ended).toHaveLength(1);
      await waitFor('the session to be gone', async () => {
        const pid = ended[0]?.pid;
        return (await shop.value('select count(*) from pg_stat_activity where pid = $1', [pid])) === 0;
      });
      await tx.facts.readClock();
    });
    await expect(lost).rejects.toThrow(/terminat|connection/i);
    expect(await session.facts.readClock()).toBeGreaterThan(0);
    await pool.end();
  });

  test('no timer of the look for a pooler, or of a statement that could be cancelled, keeps the process alive', async () => {
    const countTimers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const { session, close } = await openDatabase(shop.url);
    await session.facts.readClock();
    const before = countTimers();
    expect(await session.reclaim?.findProblem()).toBeUndefined();
    // A second session of the pool has a timer for being idle.
    const between = countTimers();
    expect(between).toBeLessThanOrEqual(before + 1);
    await session.transaction(LIMITS, async (tx) =>
      tx.cancelOn(new AbortController().signal, async () => tx.facts.readClock()),
    );
    expect(countTimers()).toBeLessThanOrEqual(between);
    await close();
  });

  test('one that only shows that a command lives is not ended for being idle', async () => {
    await shop.rows(`alter database ${shop.name} set idle_session_timeout = '150ms'`);
    const opened = await openDatabase(shop.url);
    const release = await opened.session.holdKey('some words');
    const other = new Client(shop.url);
    other.on('error', () => undefined);
    await other.connect();
    const ended = new Promise((resolve) => other.once('end', resolve));
    // Another session that came later is ended for it.
    await ended;
    expect(await opened.session.isKeyHeld('some words')).toBe(true);
    await release();
    await opened.close();
  });

  test('runs are counted whatever isolation is the default of the database', async () => {
    await shop.rows(`alter database ${shop.name} set default_transaction_isolation = 'serializable'`);
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - interval '1 year' from generate_series(1, 500) as n`,
    );
    const pass = expireRows({ name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' });
    const report = await runEngine(shop.url, shopPolicy({ passes: [pass] }), { size: 50 });
    expect(report).toMatchObject({ rows: 500, deleted: { shop_order: 500 } });
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new Pool({ connectionString: shop.url }) }),
    });
    const level = await inTransaction(db, LIMITS, async (tx) =>
      sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(tx),
    );
    expect(level.rows).toEqual([{ level: 'read committed' }]);
    await db.destroy();
  });

  test.each(['German, DMY', 'SQL, DMY', 'Postgres, MDY'])(
    'dates are read and written whatever the style of the database: %s',
    async (style) => {
      await shop.rows(`alter database ${shop.name} set datestyle = '${style}'`);
      await shop.rows(`alter database ${shop.name} set timezone = 'Asia/Kolkata'`);
      await shop.rows(
        `insert into shop_order
         select n, 'shipped', now() - n * interval '1 day' + interval '1 minute' from generate_series(1, 40) as n`,
      );
      await shop.rows('insert into folder select n, null, current_date - n from generate_series(1, 40) as n');
      const policy = shopPolicy({
        passes: [
          expireRows({ name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' }),
          expireRows({ name: 'folders', entity: Folder, age: 'closedOn', olderThan: '30 days' }),
        ],
      });
      const before = Date.now();
      const report = await runEngine(shop.url, policy, { scan: 'by-age', size: 7 });
      expect(await shop.value('select min(id) from shop_order')).toBe(1);
      expect(await shop.value('select max(id) from shop_order')).toBe(10);
      expect(Math.abs(Date.parse(report.startedAt) - before)).toBeLessThan(60_000);
      const horizon = Date.parse(report.passes[0]?.horizon ?? '');
      expect(Math.abs(horizon - (before - 10 * DAY))).toBeLessThan(MINUTE / 2);
      expect(report.deleted['folder']).toBeGreaterThanOrEqual(9);
    },
  );
});
