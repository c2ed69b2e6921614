import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { InferEntity } from '@mikro-orm/core';
import { raw } from '@mikro-orm/core';

import type { Scan } from '../../../activities/stored/scan.ts';
import type { DeleteUnreferencedOptions } from '../../../policy/delete-unreferenced.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { readOrders } from '../../support/shop-orders.ts';
import {
  AuditLog,
  createShop,
  Customer,
  Folder,
  Invoice,
  Order,
  OrderLine,
  shopPolicy,
} from '../../support/shop.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const STRATEGIES = ['by-location', 'by-age'] satisfies Scan[];

describe('deleteUnreferenced', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  const audits = softReference({ entity: AuditLog, by: 'orderId' });
  const pass = (
    options: Partial<Omit<DeleteUnreferencedOptions<InferEntity<typeof Order>>, 'entity' | 'age'>> = {},
  ): ReturnType<typeof deleteUnreferenced> =>
    deleteUnreferenced({ name: 'unused-orders', entity: Order, age: 'closedAt', ...options });
  const policy = (options: Parameters<typeof pass>[0] = {}): Policy =>
    shopPolicy({ passes: [pass(options)] });

  async function addOrders(last: number, age = '2 days'): Promise<void> {
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - $2::interval from generate_series(1, $1::int) as n`,
      [last, age],
    );
  }

  /** One row for each foreign key and reference, at orders 10, 20 and 30. */
  async function refer(): Promise<void> {
    await shop.rows(`insert into order_line values (1, 10, 'x'), (2, 10, 'x')`);
    await shop.rows(`insert into invoice values (1, 20), (2, null)`);
    await shop.rows(
      `insert into audit_log values (1, 30, now(), 'x'), (2, null, now(), 'x'), (3, 999, now(), 'x')`,
    );
  }

  test.each(STRATEGIES)('rows that nothing points at go, in several batches, by %s', async (scan) => {
    await addOrders(60);
    await refer();
    await shop.rows(`update shop_order set closed_at = null where id = 40`);
    await shop.rows(`update shop_order set closed_at = now() - interval '23:59:50' where id = 41`);
    await shop.rows(`update shop_order set closed_at = now() - interval '24:00:01' where id = 42`);
    const deleted = await runAsPreviewed(shop.url, policy({ references: [audits] }), { scan, size: 7 });
    expect(await readOrders(shop)).toEqual([10, 20, 30, 40, 41]);
    expect(deleted).toEqual({ 'unused-orders': { shop_order: 55 } });
    expect(await shop.value('select count(*) from order_line')).toBe(2);
    expect(await shop.value('select count(*) from vacuum.batch')).toBeGreaterThan(5);
  });

  test.each(STRATEGIES)('without indexes that lead to what points at them, by %s', async (scan) => {
    await addOrders(60);
    await refer();
    for (const table of ['order_line', 'invoice', 'audit_log'])
      await shop.rows(`drop index ${table}_order_id_idx`);
    await runAsPreviewed(shop.url, policy({ references: [audits] }), { scan, size: 20 });
    expect(await readOrders(shop)).toEqual([10, 20, 30]);
  });

  test('a soft reference that is not named does not count, a filter does', async () => {
    await addOrders(40);
    await refer();
    await shop.rows(`update shop_order set status = 'open' where id > 35`);
    await runAsPreviewed(shop.url, policy({ where: { status: 'shipped' } }));
    expect(await readOrders(shop)).toEqual([10, 20, 36, 37, 38, 39, 40]);
  });

  test.each([false, true])('children that are ignored go along; lockFirst: %s', async (lockFirst) => {
    await addOrders(20);
    await refer();
    await shop.rows(`insert into order_line select n, 20, 'x' from generate_series(100, 120) as n`);
    await shop.rows(`insert into order_line select n, 5, 'x' from generate_series(200, 260) as n`);
    const options = { lockFirst, ...(lockFirst ? { size: 10 } : {}) };
    const deleted = await runAsPreviewed(shop.url, policy({ ignore: [OrderLine] }), options);
    expect(await readOrders(shop)).toEqual([20]);
    expect(deleted).toEqual({ 'unused-orders': { shop_order: 19, order_line: 63 } });
    expect(await shop.value('select count(*) from order_line')).toBe(21);
  });

  test('what earlier passes of the run delete points at nothing any more, in the preview too', async () => {
    await addOrders(4);
    await shop.rows(`insert into invoice values (1, 4)`);
    await shop.rows(`
      insert into audit_log values
        (1, 1, now() - interval '9 days', 'x'), (2, 2, now(), 'x'), (3, 3, now() - interval '9 days', 'x'),
        (4, 3, now(), 'x'), (5, 4, now() - interval '9 days', 'x')`);
    const old = expireRows({ name: 'old-audit', entity: AuditLog, age: 'at', olderThan: '5 days' });
    const both = shopPolicy({ passes: [old, pass({ references: [audits] })] });
    const deleted = await runAsPreviewed(shop.url, both);
    expect(deleted).toEqual({ 'old-audit': { audit_log: 3 }, 'unused-orders': { shop_order: 1 } });
    expect(await readOrders(shop)).toEqual([2, 3, 4]);
  });

  test('a row that somebody is about to point at stays, though the children would go by cascade', async () => {
    await addOrders(30);
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query(`insert into order_line values (1, 5, 'x')`);
    await other.query(`insert into invoice values (1, 6)`);
    await other.query(`select from shop_order where id = 7 for key share`);
    await other.query(`insert into audit_log values (1, 7, now(), 'x')`);
    const report = await runEngine(shop.url, policy({ references: [audits] }));
    expect(report.passes[0]).toMatchObject({ skipped: 3, rows: 27 });
    await other.query('commit');
    other.release();
    await runEngine(shop.url, policy({ references: [audits] }));
    expect(await readOrders(shop)).toEqual([5, 6, 7]);
    expect(await shop.value('select count(*) from order_line')).toBe(1);
  });

  test('a reference that arrives between two looks at the rows keeps its row', async () => {
    await addOrders(30);
    // Comes while rows are chosen and is there when they are deleted.
    await shop.rows(`create extension dblink`);
    await shop.rows(`
      create function arrives(id bigint) returns boolean language plpgsql as $$
      begin
        if id = 5 and not exists (select from audit_log) then
          perform dblink_exec('dbname=' || current_database() || ' port=' || current_setting('port')
            || ' host=127.0.0.1 user=' || current_user, 'insert into audit_log values (1, 5, now(), ''x'') on conflict do nothing');
        end if;
        return true;
      end $$`);
    const where = { [raw((alias: string) => `arrives(${alias}.id)`)]: true };
    await runEngine(shop.url, policy({ references: [audits], where }));
    expect(await readOrders(shop)).toEqual([5]);
  });

  test('what cannot be meant is refused', async () => {
    const refusal = async (passes: Policy['passes']): Promise<string> =>
      runEngine(shop.url, shopPolicy({ passes })).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    const message = await refusal([
      deleteUnreferenced({ name: 'audit', entity: AuditLog, age: 'at' }),
      deleteUnreferenced({ name: 'folder', entity: Folder, age: 'closedOn' }),
      pass({
        ignore: [Invoice, Customer],
        references: [softReference({ entity: AuditLog, by: 'orderID' as never })],
      }),
    ]);
    expect(message).toContain('pass "audit": nothing points at AuditLog');
    expect(message).toContain('pass "folder": entity Folder points at itself');
    expect(message).toContain('ignore names Invoice, whose foreign key forbids to delete');
    expect(message).toContain('ignore names Customer, which has no foreign key to it');
    expect(message).toContain('by names "orderID", which is no property of AuditLog');
  });
});
