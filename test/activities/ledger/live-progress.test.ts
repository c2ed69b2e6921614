import { expect, test } from '@jest/globals';

import { readLiveProgress } from '../../../activities/ledger/live-progress.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { runEngine } from '../../support/engine.ts';
import { createShop, Order, shopPolicy } from '../../support/shop.ts';

// Old rows lie where they were written: dense in one place, none in the next.
test.each([
  ['first', 'n <= 20000'],
  ['last', 'n > 40000'],
  ['in two places', 'n % 30000 < 10000'],
])('the part that is done follows the rows that go, which lie %s', async (_, old) => {
  const shop = await createShop();
  await shop.rows(
    `insert into shop_order (id, status, closed_at)
     select n, 'shipped', now() - case when ${old} then interval '200 days' else interval '1 day' end
     from generate_series(1, 60000) as n`,
  );
  await shop.rows('analyze');
  const pass = expireRows({ name: 'pass', entity: Order, age: 'closedAt', olderThan: '100 days', shards: 1 });
  const seen: { gone: number; walked: number; known: boolean }[] = [];
  const report = await runEngine(shop.url, shopPolicy({ passes: [pass] }), {
    strategy: 'page-range',
    size: 1000,
    afterBatch: async ({ ledger }) => {
      const [live] = await readLiveProgress(ledger, 1);
      seen.push({
        gone: (live?.rows ?? 0) / 20_000,
        walked: live?.walked ?? Number.NaN,
        known: live?.millisLeft !== null,
      });
    },
  });
  expect(report.rows).toBe(20_000);
  expect(seen.length).toBeGreaterThan(10);
  for (const { gone, walked, known } of seen) {
    expect({ gone, close: Math.abs(walked - gone) < 0.15, known }).toEqual({
      gone,
      close: true,
      known: true,
    });
  }
  await shop.drop();
});
