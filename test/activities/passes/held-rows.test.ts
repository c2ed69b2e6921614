import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { waitForLockWait } from '../../support/locks.ts';
import { addOrder, oldOrders, readOrders } from '../../support/shop-orders.ts';
import { AuditLog, createShop, shopPolicy } from '../../support/shop.ts';

describe('rows that others work on meanwhile', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  test.each([
    ['alone', {}],
    ['with children', { with: [softChild({ entity: AuditLog, by: 'orderId' })] }],
  ])('a row that another session holds stays, %s, and goes with the next run', async (_, options) => {
    for (let id = 1; id <= 50; id += 1) await addOrder(shop, id);
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('select * from shop_order where id in (7, 8) for update');
    const policy = oldOrders(options);
    // The engine of the tests has no second try: lockFirst batches are what a slice turns to.
    const report = await runEngine(shop.url, policy, { lockFirst: true });
    expect(await readOrders(shop)).toEqual([7, 8]);
    expect(report.passes[0]?.skipped).toBe(2);
    await other.query('rollback');
    other.release();
    await runEngine(shop.url, policy);
    expect(await readOrders(shop)).toEqual([]);
  });

  test.each(['by-location', 'by-age'] as const)(
    'rows that others hold are counted once, however batches are cut: %s',
    async (scan) => {
      for (let id = 1; id <= 40; id += 1) await addOrder(shop, id);
      await shop.rows(
        `insert into audit_log select n, 1 + n % 40, now(), 'x' from generate_series(1, 400) as n`,
      );
      const other = await shop.pool.connect();
      await other.query('begin');
      await other.query('select * from shop_order where id in (1, 7, 8, 40) for update');
      const policy = oldOrders({ with: [softChild({ entity: AuditLog, by: 'orderId' })] });
      const report = await runEngine(shop.url, policy, { lockFirst: true, size: 45, scan });
      expect(report.passes[0]).toMatchObject({ skipped: 4, deleted: { shop_order: 36, audit_log: 360 } });
      expect(report.passes[0]?.batches).toBeGreaterThan(5);
      await other.query('rollback');
      other.release();
    },
  );

  test('a row that comes to life while the delete waits for it stays', async () => {
    await shop.rows(
      `insert into audit_log select n, n, now() - interval '1 year', 'x' from generate_series(1, 5) as n`,
    );
    const policy = shopPolicy({
      passes: [expireRows({ name: 'old-audit', entity: AuditLog, age: 'at', olderThan: '10 days' })],
    });
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('update audit_log set at = now() where id = 3');
    const running = runEngine(shop.url, policy);
    await waitForLockWait(shop);
    await other.query('commit');
    other.release();
    await running;
    expect(await shop.rows('select id from audit_log')).toEqual([{ id: 3 }]);
  });

  test.each([
    ['waited for, by age', { scan: 'by-age' }],
    ['waited for, by page', { scan: 'by-location' }],
    ['passed over', { lockFirst: true }],
  ] as const)(
    'a row with children that comes to life while a run is at it stays with them, then and later: %s',
    async (_, options) => {
      for (let id = 1; id <= 5; id += 1) await addOrder(shop, id);
      await shop.rows(
        `insert into audit_log select n, 1 + n % 5, now(), 'x' from generate_series(1, 50) as n`,
      );
      await shop.rows(`insert into order_line select n, 1 + n % 5, 'x' from generate_series(1, 50) as n`);
      const policy = oldOrders({ with: [softChild({ entity: AuditLog, by: 'orderId' })] });
      const other = await shop.pool.connect();
      await other.query('begin');
      await other.query(`update shop_order set status = 'open' where id = 3`);
      const running = runEngine(shop.url, policy, options);
      if (!('lockFirst' in options)) await waitForLockWait(shop);
      else await running;
      await other.query('commit');
      other.release();
      await running;
      await runEngine(shop.url, policy);
      expect(await readOrders(shop)).toEqual([3]);
      for (const table of ['audit_log', 'order_line']) {
        expect(
          await shop.rows(`select distinct order_id::int as id, count(*) from ${table} group by 1`),
        ).toEqual([{ id: 3, count: 10 }]);
      }
    },
  );

  test('children that arrive while rows are deleted are counted exactly, also grandchildren', async () => {
    await shop.rows(`
      create table line_note (id bigserial primary key, line_id bigint references order_line on delete cascade);
      create index on line_note (line_id);
      insert into shop_order select n, 'shipped', now() - interval '1 year' from generate_series(1, 1500) as n;
      insert into order_line select n, n, 'x' from generate_series(1, 1500) as n;`);
    const stop = new AbortController();
    let inserted = 0;
    const writer = (async () => {
      while (!stop.signal.aborted) {
        const line = 1 + Math.floor(Math.random() * 1500);
        const done = await shop.pool
          .query('insert into line_note (line_id) select id from order_line where id = $1', [line])
          .catch(() => ({ rowCount: 0 }));
        inserted += done.rowCount ?? 0;
      }
    })();
    const report = await runEngine(shop.url, oldOrders(), { size: 60 });
    stop.abort();
    await writer;
    expect(await shop.value('select count(*) from line_note')).toBe(0);
    expect(inserted).toBeGreaterThan(0);
    expect(report.deleted).toEqual({ shop_order: 1500, order_line: 1500, line_note: inserted });
  });
});
