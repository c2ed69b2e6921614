import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { raw } from '@mikro-orm/core';

import { expireRows } from '../../policy/expire-rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { createShop, Order, shopPolicy } from '../support/shop.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

const passes = [expireRows({ name: 'old-orders', entity: Order, age: 'closedAt', olderThan: '100 days' })];

describeNeeding(['temporal'], 'a run of mode preview', () => {
  const session = new TemporalSession();
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - interval '1 year' from generate_series(1, 600) as n`,
    );
  });
  afterEach(async () => shop.drop());
  afterAll(async () => session.close());

  test('counts, deletes nothing, and stands in the ledger; also where the policy is not enabled', async () => {
    const taskQueue = session.queue();
    const policies = [shopPolicy({ passes, enabled: false })];
    await session.withVacuum({ taskQueue, url: shop.url, policies }, async () => {
      const handle = await session.start(taskQueue, { mode: 'preview' });
      expect(await handle.result()).toMatchObject({ mode: 'preview', status: 'completed', rows: 600 });
      expect(await fetchReport(shop, handle.workflowId)).toMatchObject({ deleted: { shop_order: 600 } });
    });
    expect(await shop.value('select count(*) from shop_order')).toBe(600);
    expect(await shop.value('select count(*) from vacuum.batch')).toBe(0);
  });

  test('ends its statement on the server when it is cancelled', async () => {
    // A condition that takes its time for every row, as a large table would.
    const slow = expireRows({
      name: 'old-orders',
      entity: Order,
      age: 'closedAt',
      olderThan: '100 days',
      where: { [raw('pg_sleep(0.1)::text')]: '' },
    });
    const counting = `
      select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    const taskQueue = session.queue();
    const options = { taskQueue, url: shop.url, policies: [shopPolicy({ passes: [slow] })] };
    await session.withVacuum(options, async () => {
      const handle = await session.start(taskQueue, { mode: 'preview' });
      await waitFor('the count to be under way', async () => (await shop.value(counting)) > 0);
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      await waitFor('its statement to end', async () => (await shop.value(counting)) === 0);
    });
    const ledger = await shop.value(`select to_regclass('vacuum.run') is not null`);
    expect(ledger).toBe(false);
  });
});
