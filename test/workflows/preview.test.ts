import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { expireRows } from '../../policy/expire-rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { createShop, Order, shopPolicy } from '../support/shop.ts';
import { TemporalSession } from '../support/temporal.ts';
import { reportOf } from '../support/vacuum.ts';
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
      expect(await reportOf(shop, handle.workflowId)).toMatchObject({ deleted: { shop_order: 600 } });
    });
    expect(await shop.value('select count(*) from shop_order')).toBe(600);
    expect(await shop.value('select count(*) from vacuum.batch')).toBe(0);
  });

  test('ends its statement on the server when it is cancelled', async () => {
    // Row security makes every row take its time, as a large table would.
    await shop.rows(`
      create role slow_reader_${shop.name} login;
      grant create on database ${shop.name} to slow_reader_${shop.name};
      grant select on shop_order, order_line, invoice to slow_reader_${shop.name};
      create function takes_its_time() returns boolean language sql volatile
        as $$ select pg_sleep(0.1) is not null $$;
      create policy slow on shop_order using (takes_its_time());
      alter table shop_order enable row level security`);
    const url = new URL(shop.url);
    url.username = `slow_reader_${shop.name}`;
    const counting = `select count(*) from pg_stat_activity where usename = $1 and wait_event = 'PgSleep'`;
    const taskQueue = session.queue();
    const options = { taskQueue, url: url.toString(), policies: [shopPolicy({ passes })] };
    await session.withVacuum(options, async () => {
      const handle = await session.start(taskQueue, { mode: 'preview' });
      await waitFor(
        'the count to be under way',
        async () => (await shop.value(counting, [url.username])) > 0,
      );
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      await waitFor('its statement to end', async () => (await shop.value(counting, [url.username])) === 0);
    });
    expect(await shop.value('select count(*) from vacuum.run')).toBe(0);
    await shop.rows(`drop owned by ${url.username}; drop role ${url.username}`);
  });
});
