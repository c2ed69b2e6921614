import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client } from 'pg';

import { expireRows } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { describeNeeding } from '../../support/needing.ts';
import { createShop, Order, shopPolicy } from '../../support/shop.ts';
import { TemporalSession } from '../../support/temporal.ts';

// An open run whose worker is gone; who may take its place depends on who can say that it is over.
describeNeeding(['temporal'], 'the lease of an open run', () => {
  const session = new TemporalSession();
  const passes = [expireRows({ name: 'old-orders', entity: Order, age: 'closedAt', olderThan: '100 days' })];
  const policy = shopPolicy({ passes });
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
    await runEngine(shop.url, policy);
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - interval '1 year' from generate_series(1, 7) as n`,
    );
  });
  afterEach(async () => shop.drop());
  afterAll(async () => session.close());

  /** As a run that died left it. */
  async function leaveOpen(temporal: string): Promise<void> {
    await shop.rows(
      `update vacuum.run set ended_at = null, status = 'running', temporal = $1, workflow_id = 'gone', first_run_id = 'gone'`,
      [temporal],
    );
  }

  async function run(): Promise<{ status: string; rows: number }> {
    const taskQueue = session.queue();
    return session.withVacuum({ taskQueue, url: shop.url, policies: [policy] }, async () => {
      const { status, rows } = (await (await session.start(taskQueue)).result()) as {
        status: string;
        rows: number;
      };
      return { status, rows };
    });
  }

  async function place(): Promise<string> {
    const client = await session.client();
    const { clusterId } = await client.workflowService.getClusterInfo({});
    return `${clusterId}/default`;
  }

  test('is taken over where Temporal does not know its workflow any more', async () => {
    await leaveOpen(await place());
    expect(await run()).toEqual({ status: 'completed', rows: 7 });
    expect(await shop.rows('select status from vacuum.run order by id')).toEqual([
      { status: 'terminated' },
      { status: 'completed' },
    ]);
  });

  test('is kept where another Temporal would have to be asked', async () => {
    await leaveOpen('another-cluster/default');
    expect(await run()).toEqual({ status: 'skipped', rows: 0 });
    expect(await shop.value('select count(*) from shop_order')).toBe(7);
  });

  test('is kept while the command with its own Temporal has its session, and taken over after', async () => {
    await leaveOpen('ephemeral:some-command');
    const command = new Client(shop.url);
    await command.connect();
    await command.query(
      `select pg_advisory_lock(hashtextextended('temporal-vacuum vacuum some-command', 0))`,
    );
    expect(await run()).toEqual({ status: 'skipped', rows: 0 });
    await command.end();
    expect(await run()).toEqual({ status: 'completed', rows: 7 });
  });
});
