import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { openDatabase } from '../../../activities/database/database.ts';
import { readReport, wireReport } from '../../../activities/ledger/reports.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { preview } from '../../../worker/functions.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../../support/shop.ts';

const OLD = { name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' } as const;

describe('from when to when the rows are that went', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  /** One order a day, and the logs of orders that are not there. */
  async function fill(orders: number): Promise<void> {
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - n * interval '1 day' from generate_series(1, $1::int) as n`,
      [orders],
    );
    await shop.rows(
      `insert into shop_order values (100001, 'shipped', null), (100002, 'open', '2001-01-01')`,
    );
    await shop.rows(
      `insert into audit_log
       select n, 1000000 + n % 7, now() - n * interval '1 day', 'x' from generate_series(0, 50) as n`,
    );
    await shop.rows('analyze');
  }

  const instants = async (table: string, age: string): Promise<string[]> => {
    const rows = await shop.rows<{ at: number }>(
      `select (1000 * extract(epoch from ${age}))::float8 as at from ${table} where ${age} is not null order by ${age}`,
    );
    return rows.map(({ at }) => new Date(at).toISOString());
  };

  const shipped = expireRows({ ...OLD, where: { status: 'shipped' } });
  const withLogs = expireRows({
    ...OLD,
    where: { status: 'shipped' },
    with: [softChild({ entity: AuditLog, by: 'orderId' })],
  });
  const lost = deleteOrphans({ name: 'lost', entity: AuditLog, by: 'orderId', parent: Order, age: 'at' });
  const unused = deleteUnreferenced({
    name: 'unused',
    entity: Order,
    age: 'closedAt',
    grace: '10 days',
    where: { status: 'shipped' },
  });

  test.each<[string, Pass, string, string, EngineOptions]>([
    ['expired, by pages', shipped, 'shop_order', 'closed_at', { strategy: 'page-range', size: 20 }],
    ['expired, by age', shipped, 'shop_order', 'closed_at', { strategy: 'keyset', size: 20 }],
    ['expired, locked first', shipped, 'shop_order', 'closed_at', { careful: true, size: 20 }],
    ['with children, by pages', withLogs, 'shop_order', 'closed_at', { strategy: 'page-range', size: 20 }],
    ['with children, by age', withLogs, 'shop_order', 'closed_at', { strategy: 'keyset', size: 20 }],
    ['orphans, by pages', lost, 'audit_log', 'at', { strategy: 'page-range', size: 20 }],
    ['orphans, by key', lost, 'audit_log', 'at', { strategy: 'loose-index', size: 20 }],
    ['orphans, locked first', lost, 'audit_log', 'at', { careful: true, size: 20 }],
    ['unreferenced', unused, 'shop_order', 'closed_at', { size: 20 }],
  ])('%s: as the rows were, and as the preview said', async (_, pass, table, age, options) => {
    await fill(50);
    const policy = shopPolicy({ passes: [pass] });
    const before = await instants(table, age);
    const previewed = await preview(policy, { database: shop.url });
    const report = await runEngine(shop.url, policy, options);
    const left = new Set(await instants(table, age));
    const gone = before.filter((instant) => !left.has(instant));
    expect(gone.length).toBeGreaterThan(20);
    expect(left.size).toBeGreaterThan(0);
    const span = { oldest: gone[0], newest: gone.at(-1) };
    expect(report.passes).toMatchObject([{ ...span, sampled: false }]);
    expect(previewed.passes).toMatchObject([span]);
  });

  test('a large sweep of pages looks at some rows only, and says so', async () => {
    await fill(20_000);
    const policy = shopPolicy({ passes: [shipped] });
    const { passes } = await runEngine(shop.url, policy, { strategy: 'page-range', size: 10_000 });
    const [pass] = passes;
    expect(pass).toMatchObject({ rows: 19_991, sampled: true });
    const [previewed] = (await preview(policy, { database: shop.url })).passes;
    expect(previewed).toMatchObject({ rows: 0, oldest: null, newest: null });
    // Rows lie in the order in which they came, so that the first and the last pages have the extremes.
    const days = (instant: string | null | undefined): number =>
      Math.round((Date.now() - Date.parse(instant ?? '')) / 86_400_000);
    expect([days(pass?.oldest), days(pass?.newest)]).toEqual([20_000, 10]);
  });

  test('is known while the run is open, and never leaves the ledger', async () => {
    await fill(50);
    const policy = shopPolicy({ passes: [shipped] });
    const seen: (string | null)[] = [];
    const finished = await runEngine(shop.url, policy, {
      strategy: 'keyset',
      size: 20,
      afterBatch: async ({ ledger }) => {
        const report = await readReport(ledger, 1);
        seen.push(report?.passes[0]?.oldest ?? null);
      },
    });
    expect(new Set(seen)).toEqual(new Set([finished.passes[0]?.oldest]));
    const database = await openDatabase(shop.url);
    const report = await readReport(database.ledger, 1);
    await database.close();
    if (report === undefined) throw new Error('no report');
    expect(JSON.stringify(wireReport(report))).not.toContain(finished.passes[0]?.oldest);
    expect(Object.keys(wireReport(report).passes[0] ?? {})).not.toContain('newest');
  });
});
