import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { deleteUnreferenced } from '../../policy/delete-unreferenced.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import { ValidationError } from '../../policy/issue.ts';
import { execute, preview, stats } from '../../worker/functions.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { createShop, Order, shopPolicy } from '../support/shop.ts';
import { temporalAddress } from '../support/temporal.ts';

const DAY = 24 * 3_600_000;

describeNeeding(['temporal'], 'for programs', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
    await shop.rows(`
      insert into shop_order select n, 'shipped', now() - n * interval '1 day' from generate_series(1, 50) as n;
      insert into shop_order values (100, 'open', null);
      insert into order_line select n, 1 + n % 50, repeat('x', 100) from generate_series(1, 500) as n;
      analyze`);
  });
  afterEach(async () => shop.drop());

  const policy = shopPolicy({
    passes: [expireRows({ name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' })],
  });

  function daysAgo(instant: string | null | undefined): number {
    return Math.round((Date.now() - Date.parse(instant ?? '')) / DAY);
  }

  test('stats: rows, sizes, the oldest and the newest', async () => {
    const { ranges, tables } = await stats(policy, { database: shop.url });
    expect(tables.map(({ table }) => table).toSorted()).toEqual(['order_line', 'shop_order']);
    expect(ranges).toMatchObject([
      { table: 'shop_order', passes: ['old'], rows: 51 },
      { table: 'order_line', passes: ['old'], rows: 500, oldest: null, newest: null },
    ]);
    const twice = shopPolicy({
      passes: [
        ...policy.passes,
        deleteUnreferenced({ name: 'unused', entity: Order, age: 'closedAt', grace: '1 day' }),
      ],
    });
    expect((await stats(twice, { database: shop.url })).ranges).toMatchObject([
      { table: 'shop_order', passes: ['old', 'unused'], rows: 51 },
      { table: 'order_line', passes: ['old', 'unused'] },
    ]);
    expect(daysAgo(ranges[0]?.oldest)).toBe(50);
    expect(daysAgo(ranges[0]?.newest)).toBe(1);
  });

  test('preview, then execute: the same rows, with when they are of and what they take', async () => {
    const previewed = await preview(policy, { database: shop.pool });
    const [pass] = previewed.passes;
    expect(pass?.deleted).toEqual({ shop_order: 41, order_line: 410 });
    expect(daysAgo(pass?.oldest)).toBe(50);
    expect(daysAgo(pass?.newest)).toBe(10);
    const [lines] = previewed.tables;
    expect(lines).toMatchObject({ table: 'order_line', rows: 410 });
    const whole = await shop.value(`select pg_total_relation_size('order_line')`);
    expect(lines?.bytes).toBeGreaterThan(0.7 * whole);
    expect(lines?.bytes).toBeLessThan(whole);
    expect(await shop.value('select count(*) from shop_order')).toBe(51);

    const temporal = { address: temporalAddress() };
    const report = await execute(policy, { database: shop.url, temporal });
    expect(report).toMatchObject({ status: 'completed', rows: 451, deleted: pass?.deleted });
    expect(await shop.value('select count(*) from shop_order')).toBe(10);
    const empty = await preview(policy, { database: shop.url });
    expect(empty).toMatchObject({ tables: [], passes: [{ rows: 0, oldest: null, newest: null }] });
  });

  test('an unknown pass is a mistake, not nothing to do', async () => {
    const temporal = { address: temporalAddress() };
    const passes = ['typo'];
    for (const asked of [
      preview(policy, { database: shop.url, passes }),
      execute(policy, { database: shop.url, temporal, passes }),
    ]) {
      const error: unknown = await asked.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ValidationError);
      expect(String(error)).toContain('typo');
    }
    expect(await shop.value('select count(*) from shop_order')).toBe(51);
  });

  test('more of a table than its limit goes after a preview that is kept, or where it is allowed', async () => {
    const temporal = { address: temporalAddress() };
    const more = `insert into shop_order
      select n, 'shipped', now() - interval '20 days' from generate_series(1001, 3000) as n`;
    await shop.rows(more);
    await shop.rows('analyze');
    const stopped = await execute(policy, { database: shop.url, temporal });
    expect(stopped).toMatchObject({ status: 'stopped-by-guard', rows: 0 });
    expect(stopped.reasons.join()).toContain('%');
    await preview(policy, { database: shop.url });
    expect(await execute(policy, { database: shop.url, temporal })).toMatchObject({
      status: 'stopped-by-guard',
    });
    const kept = await preview(policy, { database: shop.url, keep: true });
    expect(kept).toMatchObject({ notKept: null, passes: [{ deleted: { shop_order: 2041 } }] });
    const ended = new AbortController();
    const listeners = jest.spyOn(ended.signal, 'removeEventListener');
    const executed = await execute(policy, { database: shop.url, temporal, signal: ended.signal });
    expect(executed).toMatchObject({ status: 'completed', deleted: kept.passes[0]?.deleted });
    expect(listeners).toHaveBeenCalledWith('abort', expect.any(Function));

    await shop.rows(more);
    await shop.rows('analyze; drop schema vacuum cascade');
    const homeless = await preview(policy, { database: shop.url, keep: true });
    expect(homeless.notKept).toContain('ledger migrate');
    const allowed = await execute(policy, { database: shop.url, temporal, allowPercent: 100 });
    expect(allowed).toMatchObject({ status: 'completed', deleted: { shop_order: 2000 } });
  });

  test('a policy that is not enabled does nothing, one that does not fit is refused', async () => {
    const temporal = { address: temporalAddress() };
    const disabled = await execute({ ...policy, enabled: false }, { database: shop.url, temporal });
    expect(disabled).toMatchObject({ run: null, status: 'disabled' });
    await shop.rows('alter table shop_order rename closed_at to ended_at');
    await expect(execute(policy, { database: shop.url, temporal })).rejects.toThrow(ValidationError);
    await expect(preview(policy, { database: shop.url })).rejects.toThrow('has no column in this database');
  });
});
