import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Scan } from '../../../activities/stored/scan.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { waitForLockWait } from '../../support/locks.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../../support/shop.ts';

const STRATEGIES = ['by-location', 'by-parent-key'] satisfies Scan[];

describe('deleteOrphans', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  const policy = (
    grace: '1 day' | '0s' = '1 day',
    batchSize: number | 'auto' = 'auto',
  ): ReturnType<typeof shopPolicy> =>
    shopPolicy({
      batchSize,
      passes: [
        deleteOrphans({
          name: 'lost-audit',
          entity: AuditLog,
          by: 'orderId',
          parent: Order,
          age: 'at',
          grace,
        }),
      ],
    });

  const left = async (): Promise<number[]> =>
    (await shop.rows<{ id: number }>('select id from audit_log order by id')).map((row) => row.id);

  test.each(STRATEGIES)('only rows whose parent is deleted go, by %s', async (scan) => {
    await shop.rows(`insert into shop_order select n, 'open', null from generate_series(1, 100, 3) as n`);
    await shop.rows(
      `insert into audit_log select n, n % 100, now() - interval '2 days', 'x' from generate_series(1, 1000) as n`,
    );
    await shop.rows(`insert into audit_log values (2000, null, now() - interval '1 year', 'never had one')`);
    const report = await runEngine(shop.url, policy(), { scan });
    const expected = Array.from({ length: 1000 }, (_, n) => n + 1).filter(
      (n) => n % 100 >= 1 && (n % 100) % 3 === 1,
    );
    expect(await left()).toEqual([...expected, 2000]);
    expect(report.deleted).toEqual({ audit_log: 1000 - expected.length });
  });

  test.each(STRATEGIES)('the grace period spares young rows of the same gone parent, by %s', async (scan) => {
    await shop.rows(`
      insert into audit_log values
        (1, 9, now() - interval '1 day 1 second', 'out'), (2, 9, now() - interval '23:59:50', 'in'),
        (3, 9, now() + interval '1 hour', 'of a fast clock')`);
    await runEngine(shop.url, policy(), { scan });
    expect(await left()).toEqual([2, 3]);
  });

  test.each(STRATEGIES)('a parent with very many orphans goes in slices, by %s', async (scan) => {
    await shop.rows(
      `insert into audit_log select n, 7, now() - interval '1 year', 'x' from generate_series(1, 2000) as n`,
    );
    await shop.rows(
      `insert into audit_log select n, n, now() - interval '1 year', 'x' from generate_series(2001, 2100) as n`,
    );
    const report = await runEngine(shop.url, policy('1 day', 150), { scan });
    expect(await left()).toEqual([]);
    expect(report.deleted).toEqual({ audit_log: 2100 });
    expect(await shop.value('select max(rows) from vacuum.batch')).toBeLessThanOrEqual(150);
  });

  test.each(STRATEGIES)('a row that another session holds stays, by %s', async (scan) => {
    await shop.rows(
      `insert into audit_log select n, n % 5, now() - interval '1 year', 'x' from generate_series(1, 200) as n`,
    );
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('select * from audit_log where id in (10, 11) for update');
    const report = await runEngine(shop.url, policy(), { scan, lockFirst: true });
    expect(await left()).toEqual([10, 11]);
    expect(report.passes[0]?.skipped).toBe(2);
    await other.query('rollback');
    other.release();
    await runEngine(shop.url, policy(), { scan });
    expect(await left()).toEqual([]);
  });

  test('rows that are given a living parent while the delete waits stay', async () => {
    await shop.rows(`insert into shop_order values (1, 'open', null)`);
    await shop.rows(
      `insert into audit_log select n, 99, now() - interval '1 year', 'x' from generate_series(1, 5) as n`,
    );
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('update audit_log set order_id = 1 where id = 2');
    const running = runEngine(shop.url, policy());
    await waitForLockWait(shop);
    await other.query('commit');
    other.release();
    await running;
    expect(await left()).toEqual([2]);
  });

  test('a table without an index on the key is walked by pages', async () => {
    await shop.rows('drop index audit_log_order_id_idx');
    await shop.rows(
      `insert into audit_log select n, n, now() - interval '1 year', 'x' from generate_series(1, 300) as n`,
    );
    const report = await runEngine(shop.url, policy());
    expect(report.passes[0]?.scan).toBe('by-location');
    expect(await left()).toEqual([]);
  });
});
