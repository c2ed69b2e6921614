import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import type { HoldRequest } from '../../../activities/inspect/add-hold.ts';
import type { AddedHold } from '../../../activities/inspect/add-hold.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { Scan } from '../../../activities/stored/scan.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { closeGate } from '../../support/gate.ts';
import { readOrders } from '../../support/shop-orders.ts';
import { AuditLog, createShop, Folder, Invoice, Order, shopPolicy } from '../../support/shop.ts';
import { runAsPreviewed } from '../../support/truth.ts';
import { waitFor } from '../../support/wait.ts';

describe('rows that are held', () => {
  let shop: TestDatabase;
  let database: Database;

  beforeEach(async () => {
    shop = await createShop();
    database = await openDatabase(shop.url);
  });
  afterEach(async () => {
    await database.close();
    await shop.drop();
  });

  const makePolicy = (...passes: Pass[]): ReturnType<typeof shopPolicy> => shopPolicy({ passes });
  const oldOrders = expireRows({
    name: 'old',
    entity: Order,
    age: 'closedAt',
    olderThan: '10 days',
    with: [softChild({ entity: AuditLog, by: 'orderId' })],
  });

  async function add(
    entity: string,
    rows: HoldRequest['rows'],
    until: string | null = null,
  ): Promise<AddedHold> {
    const request = { entity, rows, reason: 'a lawsuit', who: 'ann', until };
    return addHold(database, makePolicy(oldOrders), request);
  }

  async function hold(
    entity: string,
    rows: HoldRequest['rows'],
    until: string | null = null,
  ): Promise<number> {
    const { id, settled, gone } = await add(entity, rows, until);
    expect({ settled, gone }).toEqual({ settled: true, gone: false });
    return id;
  }

  /** What waits for the first pass of a policy, counted. */
  async function waiting(policy: Policy): Promise<number | undefined> {
    const { backlog } = await readStats(database, policy, true);
    return backlog[0]?.now?.rows;
  }

  /** Sessions whose last statement has looked which batches are open. */
  async function countLooks(): Promise<number> {
    return shop.value(
      `select count(*) from pg_stat_activity
       where datname = current_database() and state = 'idle' and query like $1`,
      ['%virtualtransaction%'],
    );
  }

  /** Orders with two lines and three audit logs each, all old: lines 10n and 10n + 1, logs 10n to 10n + 2 of order n. */
  async function fill(last: number): Promise<void> {
    await shop.rows(
      `insert into shop_order
       select n, case when n % 5 = 0 then 'open' else 'shipped' end, now() - interval '20 days' from generate_series(1, $1::int) as n`,
      [last],
    );
    await shop.rows(
      `insert into order_line select 10 * n + k, n, 'x' from generate_series(1, $1::int) as n, generate_series(0, 1) as k`,
      [last],
    );
    await shop.rows(
      `insert into audit_log
       select 10 * n + k, n, now() - interval '20 days', 'x' from generate_series(1, $1::int) as n, generate_series(0, 2) as k`,
      [last],
    );
  }

  async function heldIn(
    options: EngineOptions = {},
    ...passes: Pass[]
  ): Promise<LedgerReport['passes'][number]> {
    const policy = makePolicy(...passes);
    expect(await waiting(policy)).toBeGreaterThan(0);
    await runAsPreviewed(shop.url, policy, options);
    // What is held waits for nothing.
    expect(await waiting(policy)).toBe(0);
    const [run] = await shop.rows<{ id: number }>('select max(id) as id from vacuum.run');
    const [pass] = await shop.rows<LedgerReport['passes'][number]>(
      'select * from vacuum.pass where run_id = $1',
      [run?.id],
    );
    if (pass === undefined) throw new Error('no pass');
    return pass;
  }

  const WAYS: [string, EngineOptions][] = [
    ['by pages', { scan: 'by-location', size: 20 }],
    ['by age', { scan: 'by-age', size: 20 }],
    ['with care, each emptied first', { lockFirst: true, size: 3 }],
  ];

  test.each(WAYS)('stay with all that goes along with them, %s', async (_, options) => {
    await fill(40);
    await hold('Order', { key: '3' });
    await hold('Order', { filter: { status: 'open', id: { $lt: 20 } } });
    await hold('OrderLine', { key: '71' });
    await hold('AuditLog', { key: '82' });
    await hold('AuditLog', { filter: { text: 'proof' } });
    await hold('Invoice', { filter: {} });
    await shop.rows(`update audit_log set text = 'proof' where id in (91, 100)`);
    const pass = await heldIn(options, oldOrders);
    expect(await readOrders(shop)).toEqual([3, 5, 7, 8, 9, 10, 15]);
    expect(pass.held).toBe(7);
    expect(await shop.value('select count(*) from order_line')).toBe(7 * 2);
    expect(await shop.value('select count(*) from audit_log')).toBe(7 * 3);
  });

  test('go with the next run once the hold is removed or over', async () => {
    await fill(4);
    const id = await hold('Order', { key: '1' });
    await hold('Order', { key: '2' }, new Date(Date.now() + 3_600_000).toISOString());
    await heldIn({}, oldOrders);
    expect(await readOrders(shop)).toEqual([1, 2]);
    expect(await database.session.ledger.holds.delete(id)).toBe(true);
    expect(await database.session.ledger.holds.delete(id)).toBe(false);
    await heldIn({}, oldOrders);
    expect(await readOrders(shop)).toEqual([2]);
    await shop.rows(`update vacuum.hold set until = now() - interval '1 second'`);
    expect(await heldIn({}, oldOrders)).toMatchObject({ held: 0 });
    expect(await readOrders(shop)).toEqual([]);
  });

  test('of a hold that comes while the run is open stay from the next batch on', async () => {
    await fill(30);
    let batches = 0;
    const afterBatch = async (): Promise<void> => {
      batches += 1;
      if (batches === 1) await hold('OrderLine', { filter: {} });
    };
    const report = await runEngine(shop.url, makePolicy(oldOrders), {
      size: 5,
      scan: 'by-location',
      afterBatch,
    });
    const left = await readOrders(shop);
    expect(left.length).toBeGreaterThan(20);
    expect(left.length).toBeLessThan(30);
    expect(report.passes[0]).toMatchObject({ held: left.length, deleted: { shop_order: 30 - left.length } });
  });

  test.each(['by-location', 'by-parent-key'] satisfies Scan[])('are no orphans, by %s', async (scan) => {
    await shop.rows(
      `insert into audit_log select n, n % 7, now() - interval '9 days', 'x' from generate_series(1, 100) as n`,
    );
    await hold('AuditLog', { key: '14' });
    await hold('AuditLog', { filter: { orderId: '3' } });
    const lost = deleteOrphans({ name: 'lost', entity: AuditLog, by: 'orderId', parent: Order, age: 'at' });
    const pass = await heldIn({ scan, size: 20 }, lost);
    const left = await shop.rows<{ id: number }>('select id from audit_log order by id');
    expect(left.map(({ id }) => id)).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1).filter((n) => n === 14 || n % 7 === 3),
    );
    expect(pass.held).toBe(left.length);
  });

  test('stay though nothing points at them', async () => {
    await shop.rows(
      `insert into shop_order select n, 'open', now() - interval '9 days' from generate_series(1, 9) as n`,
    );
    await hold('Order', { key: '4' });
    const unused = deleteUnreferenced({ name: 'unused', entity: Order, age: 'closedAt' });
    expect(await heldIn({}, unused)).toMatchObject({ held: 1 });
    expect(await readOrders(shop)).toEqual([4]);
  });

  test('stay where the last thing that they point at is gone, and are moved like others', async () => {
    await shop.rows(`insert into shop_order select n, 'open', now() from generate_series(1, 9) as n`);
    await shop.rows(`alter table invoice drop constraint invoice_order_id_fkey`);
    // Invoices of which each names the newest audit log of its order.
    await shop.rows(`alter table invoice add column log_id bigint`);
    await shop.rows(`insert into audit_log values (1, 1, now(), 'x'), (2, 2, now(), 'x')`);
    await shop.rows(`insert into invoice values (1, 1, 99), (2, 2, 2), (3, 3, 99), (4, 4, 99)`);
    const Latest = defineEntity({
      name: 'Latest',
      tableName: 'invoice',
      properties: {
        id: p.bigint('string').primary(),
        orderId: p.bigint('string'),
        logId: p.bigint('string').nullable(),
      },
    });
    await hold('Invoice', { filter: { id: { $in: ['1', '3'] } } });
    const pointer = latestPointer({
      holder: Latest,
      pointer: 'logId',
      target: AuditLog,
      group: 'orderId',
      newest: 'at',
      copy: [],
    });
    const policy = shopPolicy({
      entities: [Latest, AuditLog],
      passes: [repointLatest({ name: 'latest', pointer })],
    });
    expect(await waiting(policy)).toBe(2);
    await runAsPreviewed(shop.url, policy);
    expect(await waiting(policy)).toBe(0);
    expect(await shop.rows('select id, log_id from invoice order by id')).toEqual([
      { id: 1, log_id: 1 },
      { id: 2, log_id: 2 },
      { id: 3, log_id: 99 },
    ]);
    expect(await shop.value('select held from vacuum.pass')).toBe(1);
  });

  test('are judged in each level where rows are nested, and counted once', async () => {
    await shop.rows(`
      insert into folder
      select n, nullif(n - 1, 0), current_date - 30 from generate_series(1, 9) as n`);
    await hold('Folder', { key: '5' });
    const old = expireRows({
      name: 'old',
      entity: Folder,
      age: 'closedOn',
      olderThan: '10 days',
      nestedBy: 'parentId',
    });
    expect(await heldIn({}, old)).toMatchObject({ held: 1 });
    expect(
      (await shop.rows<{ id: number }>('select id from folder order by id')).map(({ id }) => id),
    ).toEqual([5, 6, 7, 8, 9]);
  });

  test('adding a hold waits for batches that began before, and keeps no new ones waiting', async () => {
    await database.ledger.migrate();
    const batch = await shop.pool.connect();
    await batch.query('begin');
    await batch.query('select from vacuum.hold');
    await fill(1);
    let added = false;
    const adding = hold('Order', { key: '1' }).then(() => (added = true));
    await waitFor(
      'the hold to be there',
      async () => (await shop.value('select count(*) from vacuum.hold')) === 1,
    );
    // A batch that begins between the two may be one of those that it waits for.
    await waitFor('its first look at the open batches', async () => (await countLooks()) > 0);
    const later = await shop.pool.connect();
    await later.query('begin');
    expect((await later.query('select id from vacuum.hold')).rows).toHaveLength(1);
    expect(added).toBe(false);
    await batch.query('commit');
    await adding;
    await later.query('commit');
    batch.release();
    later.release();
  });

  test('of a hold that comes in the middle of a delete it is said what went, and nothing goes after', async () => {
    await fill(500);
    const gate = await closeGate(shop, 'shop_order', 3);
    const running = runEngine(shop.url, makePolicy(oldOrders), { size: 40, scan: 'by-location' });
    await gate.reached();
    const returned: number[] = [];
    const adding = [3, 495].map(async (id) => {
      const added = await add('Order', { key: String(id) });
      returned.push(id);
      return { ...added, order: id };
    });
    await waitFor(
      'both holds to be there',
      async () => (await shop.value('select count(*) from vacuum.hold')) === 2,
    );
    expect(returned).toEqual([]);
    await gate.open();
    const added = await Promise.all(adding);
    const told = added.filter(({ gone }) => !gone).map(({ order }) => order);
    await running;
    expect(added.every(({ settled }) => settled)).toBe(true);
    expect(told).toEqual([495]);
    expect(await readOrders(shop)).toEqual([495]);
  });

  test('of a hold that comes between the deletes of a family all of it stays', async () => {
    await shop.rows(`
      insert into shop_order select n, 'shipped', now() - interval '20 days' from generate_series(1, 3) as n;
      insert into invoice select n, n from generate_series(1, 3) as n`);
    // One that is about the table already: else a batch has nothing to look at.
    await hold('Order', { key: '1' });
    const gate = await closeGate(shop, 'invoice', 2);
    const family = expireRows({
      name: 'old',
      entity: Order,
      age: 'closedAt',
      olderThan: '10 days',
      with: [softChild({ entity: Invoice, by: 'orderId' })],
    });
    const running = runEngine(shop.url, makePolicy(family)).catch((error: Error) => error.message);
    await gate.reached();
    const adding = hold('Order', { key: '2' });
    await waitFor(
      'the hold to be there',
      async () => (await shop.value('select count(*) from vacuum.hold')) === 2,
    );
    await gate.open();
    // The next attempt of a slice knows of it.
    expect(await running).toContain('the batch is rolled back');
    await adding;
    expect(await runEngine(shop.url, makePolicy(family))).toMatchObject({
      deleted: { shop_order: 1, invoice: 1 },
      passes: [{ held: 2 }],
    });
    expect(await readOrders(shop)).toEqual([1, 2]);
    expect(await shop.value('select count(*) from invoice')).toBe(2);
  });

  test('what is no hold is refused with all that is wrong', async () => {
    await fill(1);
    const refusal = async (entity: string, rows: HoldRequest['rows']): Promise<string> =>
      hold(entity, rows).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    expect(await refusal('Ordr', { key: '1' })).toContain(
      'policy shop has no entity "Ordr". Write Order if that is meant; else name one of AuditLog, Customer',
    );
    expect(await refusal('Order', { key: 'abc' })).toContain('"abc" is no key of the entity');
    expect(await refusal('Order', { key: '77' })).toContain('there is no row "77"');
    expect(await refusal('Order', { filter: { stat: 'open' } })).toContain('its filter names Order.stat');
    expect(await refusal('Order', { filter: { id: 'abc' } })).toContain(
      'the database does not understand it',
    );
  });
});
