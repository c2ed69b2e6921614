import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../../support/shop.ts';

// The walk that a run reports is the one that the plan chose from a sample of the table.
describe('the walk of a pass', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  const oldOrders = (shards = 2): Pass =>
    expireRows({ name: 'pass', entity: Order, age: 'closedAt', olderThan: '100 days', shards });
  const lostAudit = (shards = 2): Pass =>
    deleteOrphans({ name: 'pass', entity: AuditLog, by: 'orderId', parent: Order, age: 'at', shards });

  async function walk(pass: Pass): Promise<{ scan: string | null; shards: number; rows: number }> {
    await shop.rows('analyze');
    const report = await runEngine(shop.url, shopPolicy({ passes: [pass] }));
    const [{ scan, shards, rows }] = report.passes as [(typeof report.passes)[number]];
    return { scan, shards, rows };
  }

  /** Orders an hour apart, so that the first `old` are over 100 days old; with notes that make rows wide. */
  async function orders(count: number, old: number): Promise<void> {
    await shop.rows(
      `insert into shop_order (id, status, closed_at)
       select n, 'shipped', now() - interval '100 days' + (n - $2::int - 0.5) * interval '1 minute'
       from generate_series(1, $1::int) as n`,
      [count, old],
    );
  }

  async function audit(orderCount: number, notesPerOrder: number, firstOrder: number): Promise<void> {
    await shop.rows(
      `insert into audit_log (id, order_id, at, text)
       select o::bigint * 100000 + n, o, now() - interval '2 days', repeat('x', 100)
       from generate_series($3::int, $3::int + $1::int - 1) as o
       cross join generate_series(1, $2::int) as n`,
      [orderCount, notesPerOrder, firstOrder],
    );
  }

  test('most rows are old: by pages, in as many parts as asked for', async () => {
    await orders(60_000, 50_000);
    expect(await walk(oldOrders(3))).toEqual({ scan: 'by-location', shards: 3, rows: 50_000 });
  });

  test('few rows are old: by the index on the age', async () => {
    await orders(60_000, 100);
    expect(await walk(oldOrders())).toMatchObject({ scan: 'by-age', rows: 100 });
  });

  test('few rows are old and nothing leads to them: by pages', async () => {
    await shop.rows('drop index shop_order_closed_at_idx');
    await orders(60_000, 100);
    expect(await walk(oldOrders())).toMatchObject({ scan: 'by-location', rows: 100 });
  });

  test('an index that is invalid, or of some rows only, leads nowhere', async () => {
    await shop.rows(`
      drop index shop_order_closed_at_idx;
      create index on shop_order (closed_at) where status = 'open';
      create index broken on shop_order (closed_at);
      update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`);
    await orders(60_000, 100);
    expect(await walk(oldOrders())).toMatchObject({ scan: 'by-location', rows: 100 });
  });

  test('few parents are named by many rows: by distinct keys', async () => {
    await orders(20, 0);
    await audit(20, 3000, 1);
    await audit(2, 100, 1000);
    expect(await walk(lostAudit())).toEqual({ scan: 'by-parent-key', shards: 2, rows: 200 });
  });

  test('nearly every row names another parent: by pages', async () => {
    await orders(30_000, 0);
    await audit(60_000, 1, 1);
    expect(await walk(lostAudit())).toMatchObject({ scan: 'by-location', rows: 30_000 });
  });

  test('a large table with nothing to delete is read in parts beside one another', async () => {
    await shop.rows('drop index audit_log_order_id_idx');
    await orders(100, 0);
    await audit(100, 700, 1);
    expect(await walk(lostAudit())).toEqual({ scan: 'by-location', shards: 2, rows: 0 });
  });

  test('an empty table is walked and found empty', async () => {
    expect(await walk(oldOrders())).toMatchObject({ rows: 0 });
    expect(await walk(lostAudit())).toMatchObject({ rows: 0 });
  });
});
