import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Scan } from '../../../activities/stored/scan.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { addOrder, oldOrders, readOrders } from '../../support/shop-orders.ts';
import { AuditLog, createShop, Folder, Invoice, shopPolicy } from '../../support/shop.ts';

describe('expireRows', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  test.each(['by-location', 'by-age'] satisfies Scan[])('rows at the horizon stay, by %s', async (scan) => {
    await addOrder(shop, 1);
    const policy = oldOrders();
    // The horizon is stored at the begin of the run: put rows around it to the microsecond.
    await runEngine(shop.url, policy, { scan });
    expect(await readOrders(shop)).toEqual([]);
    const horizon = await shop.value<string>(`select stored ->> 'horizon' from vacuum.pass`);
    await shop.rows(
      `insert into shop_order (id, status, closed_at)
       select n, 'shipped', $1::timestamptz + n * interval '1 microsecond' from generate_series(-2, 2) as n`,
      [horizon],
    );
    await shop.rows(
      `insert into shop_order values (10, 'shipped', null), (11, 'open', now() - interval '1 year')`,
    );
    await shop.rows(
      `update shop_order set closed_at = closed_at + (select now() - interval '10 days' - $1::timestamptz) where false`,
      [horizon],
    );
    const before = await readOrders(shop);
    expect(before).toEqual([-2, -1, 0, 1, 2, 10, 11]);
    await runEngine(shop.url, policy, { scan });
    const later = await shop.value<string>(`select max(stored ->> 'horizon') from vacuum.pass`);
    const expected = await shop.rows<{ id: number }>(
      `select id from (values (-2), (-1), (0), (1), (2)) as v(id)
       where $1::timestamptz + id * interval '1 microsecond' >= $2::timestamptz order by id`,
      [horizon, later],
    );
    expect(await readOrders(shop)).toEqual([...expected.map((row) => row.id), 10, 11]);
  });

  test('a filter over a relation and one over columns select the same way as MikroORM does', async () => {
    await shop.rows(`insert into customer values (1, 'keep'), (2, 'drop')`);
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - interval '1 year', 1 + n % 2 from generate_series(1, 10) as n`,
    );
    await runEngine(shop.url, oldOrders({ where: { customer: { name: 'drop' } } }));
    expect(await readOrders(shop)).toEqual([2, 4, 6, 8, 10]);
  });

  test('soft children go with their row, children by foreign key are counted', async () => {
    for (const id of [1, 2, 3]) await addOrder(shop, id, id === 3 ? '1 day' : '20 days');
    await shop.rows(`insert into order_line select n, 1 + n % 3, 'x' from generate_series(0, 29) as n`);
    await shop.rows(`insert into audit_log select n, 1 + n % 3, now(), 'x' from generate_series(0, 14) as n`);
    const report = await runEngine(
      shop.url,
      oldOrders({ with: [softChild({ entity: AuditLog, by: 'orderId' })] }),
    );
    expect(report.deleted).toEqual({ shop_order: 2, order_line: 20, audit_log: 10 });
    expect(await shop.value('select count(*) from audit_log where order_id = 3')).toBe(5);
  });

  test('children whose foreign key forbids the delete go first', async () => {
    await addOrder(shop, 1);
    await addOrder(shop, 2, '1 day');
    await shop.rows('insert into invoice values (1, 1), (2, 2)');
    const report = await runEngine(
      shop.url,
      oldOrders({ with: [softChild({ entity: Invoice, by: 'orderId' })] }),
    );
    expect(report.deleted).toEqual({ shop_order: 1, invoice: 1 });
  });

  test('a row that a trigger keeps keeps its children', async () => {
    await addOrder(shop, 1);
    await addOrder(shop, 2);
    await shop.rows(`insert into audit_log select n, n, now(), 'x' from generate_series(1, 2) as n`);
    await shop.rows(`
      create function keep() returns trigger language plpgsql as 'begin return null; end';
      create trigger keep before delete on shop_order for each row when (old.id = 1) execute function keep()`);
    const report = await runEngine(
      shop.url,
      oldOrders({ with: [softChild({ entity: AuditLog, by: 'orderId' })] }),
    );
    expect(report.deleted).toEqual({ shop_order: 1, audit_log: 1 });
    expect(await readOrders(shop)).toEqual([1]);
    expect(await shop.value('select order_id from audit_log')).toBe(1);
  });

  test('a tree is taken from its roots, level after level, also where rows move to the end of the table', async () => {
    // Full pages: every update that nulls a parent moves its row behind what the plan saw.
    await shop.rows('alter table folder set (fillfactor = 100)');
    await shop.rows(`
      insert into folder
      select n, nullif(n / 2, 0), current_date - case when n % 97 = 0 then 3 else 400 end
      from generate_series(1, 3000) as n`);
    await shop.rows('analyze folder');
    const policy = shopPolicy({
      shards: 3,
      passes: [
        expireRows({
          name: 'old-folders',
          entity: Folder,
          age: 'closedOn',
          olderThan: '300 days',
          nestedBy: 'parentId',
        }),
      ],
    });
    const report = await runEngine(shop.url, policy, { scan: 'by-location' });
    const left = await shop.rows<{ id: number }>('select id from folder order by id');
    // A young folder stays with everything below it that it was the parent of.
    const stays = (id: number): boolean => id % 97 === 0 || (id > 1 && stays(Math.floor(id / 2)));
    expect(left.map((row) => row.id)).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1).filter(stays));
    expect(report.deleted['folder']).toBe(3000 - left.length);
  });

  test('an oversized row is drained in slices before it is deleted, and nothing is left without its parent', async () => {
    await addOrder(shop, 1);
    await addOrder(shop, 2);
    await shop.rows(`insert into audit_log select n, 1, now(), 'x' from generate_series(1, 5000) as n`);
    await shop.rows(`insert into order_line select n, 1, 'x' from generate_series(1, 3000) as n`);
    const withAudit = oldOrders({ with: [softChild({ entity: AuditLog, by: 'orderId' })] });
    let orphans = 0;
    const report = await runEngine(shop.url, withAudit, {
      lockFirst: true,
      size: 400,
      afterBatch: async () => {
        orphans += await shop.value(
          'select count(*) from audit_log as a where not exists (select from shop_order as o where o.id = a.order_id)',
        );
      },
    });
    expect(orphans).toBe(0);
    expect(report.deleted).toEqual({ shop_order: 2, order_line: 3000, audit_log: 5000 });
    expect(await shop.value('select max(rows) from vacuum.batch')).toBeLessThanOrEqual(801);
  });
});
