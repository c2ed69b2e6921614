import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { HoldRequest } from '../../../activities/inspect/add-hold.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import type { Explanation } from '../../../activities/inspect/explain.ts';
import { explainRow, isLocked } from '../../../activities/inspect/explain.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { AuditLog, createShop, Folder, Order, shopPolicy } from '../../support/shop.ts';

const DAY = 24 * 3_600_000;

describe('explain', () => {
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

  const orders = expireRows({
    name: 'old-orders',
    entity: Order,
    age: 'closedAt',
    olderThan: '10 days',
    where: { status: 'shipped' },
    keepLast: { count: 1, per: ['customer'] },
    with: [softChild({ entity: AuditLog, by: 'orderId' })],
  });
  const lost = deleteOrphans({
    name: 'lost-audit',
    entity: AuditLog,
    by: 'orderId',
    parent: Order,
    age: 'at',
  });
  const folders = expireRows({
    name: 'old-folders',
    entity: Folder,
    age: 'closedOn',
    olderThan: '10 days',
    nestedBy: 'parentId',
  });
  const unused = deleteUnreferenced({
    name: 'unused-orders',
    entity: Order,
    age: 'closedAt',
    grace: '5 days',
    where: { status: 'cancelled' },
    references: [softReference({ entity: AuditLog, by: 'orderId' })],
  });
  const policy = shopPolicy({ passes: [orders, lost, folders, unused] });

  const of = async (entity: string, key: string | number, by: Policy = policy): Promise<Explanation> =>
    explainRow(database, by, entity, String(key));
  const whys = ({ passes }: Explanation): Record<string, string[]> =>
    Object.fromEntries(passes.map(({ pass, reasons }) => [pass, reasons.map(({ why }) => why)]));

  async function addOrder(id: number, days: number | null, status = 'shipped'): Promise<void> {
    await shop.rows(`insert into customer values (1, 'ann') on conflict do nothing`);
    await shop.rows(`insert into shop_order values ($1, $2, now() - $3::int * interval '1 day', 1)`, [
      id,
      status,
      days,
    ]);
  }

  test('says by which pass a row goes, and every reason why it stays', async () => {
    await addOrder(1, 1);
    await addOrder(2, 20);
    await addOrder(3, 20, 'open');
    await addOrder(4, null);
    await addOrder(5, 2, 'open');
    await addOrder(6, 20, 'cancelled');
    await shop.rows(`insert into invoice values (1, 6)`);
    expect(await of('Order', 2)).toMatchObject({ found: true, goesBy: 'old-orders' });
    expect(whys(await of('Order', 2))).toEqual({ 'old-orders': [], 'unused-orders': ['filter-mismatch'] });
    expect(whys(await of('Order', 1))['old-orders']).toEqual(['too-young', 'kept-newest']);
    expect(whys(await of('Order', 3))['old-orders']).toEqual(['filter-mismatch']);
    expect(whys(await of('Order', 4))['old-orders']).toEqual(['no-age']);
    expect(whys(await of('Order', 5))['old-orders']).toEqual(['filter-mismatch', 'too-young']);
    expect(whys(await of('Order', 6))['unused-orders']).toEqual(['referenced']);
    expect(await of('Order', 77)).toMatchObject({ found: false, goesBy: null, passes: [] });
  });

  test.each([
    ['294276-12-31 23:59:59+00', ['too-young', 'kept-newest']],
    ['infinity', ['too-young', 'kept-newest']],
    ['4713-01-01 00:00:00+00 BC', ['kept-newest']],
    ['-infinity', ['kept-newest']],
  ])('takes an age at the end of time: %s', async (age, reasons) => {
    await addOrder(1, 1);
    await shop.rows(`update shop_order set closed_at = $1`, [age]);
    expect(whys(await of('Order', 1))['old-orders']).toEqual(reasons);
  });

  test('says from when a row may go, to the instant that the run then agrees with', async () => {
    await addOrder(1, 1);
    await addOrder(2, 3);
    const { passes } = await of('Order', 2);
    const from = Date.parse(passes[0]?.from ?? '');
    const closed = Date.parse(
      await shop.value<string>(`select to_json(closed_at) #>> '{}' from shop_order where id = 2`),
    );
    expect(Math.abs(from - (closed + 10 * DAY))).toBeLessThan(2);
    await shop.rows(`insert into folder values (1, null, current_date - 3)`);
    const folder = await of('Folder', 1);
    const day = await shop.value<string>(`select to_json((current_date - 3)::timestamp) #>> '{}'`);
    // A date is past when the day is, wherever it was written.
    expect(folder.passes[0]?.from).toBe(new Date(Date.parse(`${day}Z`) + 11.5 * DAY).toISOString());
  });

  test('a row that would go along is explained by the row that it goes with', async () => {
    await addOrder(1, 1);
    await addOrder(2, 20);
    await addOrder(3, 20, 'open');
    await shop.rows(`insert into order_line values (20, 2, 'x'), (30, 3, 'x')`);
    await shop.rows(
      `insert into audit_log values (20, 2, now(), 'x'), (30, 3, now(), 'x'), (90, 9, now() - interval '2 days', 'x')`,
    );
    expect((await of('OrderLine', 20)).passes).toMatchObject([
      { pass: 'old-orders', role: 'along', table: 'shop_order', goes: true },
    ]);
    expect(whys(await of('OrderLine', 30))).toEqual({ 'old-orders': ['filter-mismatch'] });
    expect((await of('AuditLog', 20)).goesBy).toBe('old-orders');
    expect(whys(await of('AuditLog', 20))['lost-audit']).toEqual(['too-young', 'parent-exists']);
    expect((await of('AuditLog', 90)).goesBy).toBe('lost-audit');
  });

  test('holds, locks and nesting', async () => {
    await addOrder(1, 1);
    await addOrder(2, 20);
    await addOrder(3, 20);
    await shop.rows(`insert into order_line values (30, 3, 'x')`);
    await shop.rows(`insert into folder values (1, null, current_date - 30), (2, 1, current_date - 30)`);
    const held = { reason: 'r', who: 'w', until: null };
    await addHold(database, policy, { entity: 'OrderLine', rows: { key: '30' }, ...held });
    expect(whys(await of('Order', 3))['old-orders']).toEqual(['held']);
    const other = await shop.pool.connect();
    await other.query('begin');
    await other.query('select from shop_order where id = 2 for key share');
    expect(whys(await of('Order', 2))['old-orders']).toEqual(['locked']);
    await other.query('rollback');
    expect((await of('Order', 2)).goesBy).toBe('old-orders');
    expect(whys(await of('Folder', 2))).toEqual({ 'old-folders': ['nested'] });
    expect((await of('Folder', 1)).goesBy).toBe('old-folders');
    await other.query('begin; lock table shop_order in access exclusive mode');
    // The look itself reads the table: only the try to lock the row may meet the lock.
    const locked = await isLocked(database.session, {
      table: { schema: 'public', name: 'shop_order', label: 'shop_order' },
      location: '(0,1)',
    });
    await other.query('rollback');
    other.release();
    expect(locked).toBe(true);
  });

  test('a held row goes from the end of the last hold that is about it', async () => {
    await addOrder(1, 1);
    await addOrder(3, 20);
    await addOrder(4, 20);
    await shop.rows(`insert into order_line values (30, 3, 'x')`);
    const until = (days: number): string => new Date(Date.now() + days * DAY).toISOString();
    const hold = async (entity: string, rows: HoldRequest['rows'], end: string | null): Promise<unknown> =>
      addHold(database, policy, { entity, rows, reason: 'r', who: 'w', until: end });
    const [soon, later, last] = [until(1), until(5), until(9)];
    await hold('Order', { key: '3' }, soon);
    expect((await of('Order', 3)).passes[0]).toMatchObject({ goes: false, from: soon });
    await hold('OrderLine', { filter: { text: 'x' } }, later);
    await hold('Order', { key: '4' }, last);
    const { passes } = await of('Order', 3);
    expect(passes[0]).toMatchObject({ reasons: [{ why: 'held', from: later }], from: later });
    await hold('Order', { key: '3' }, null);
    const endless = await of('Order', 3);
    expect(endless.passes[0]).toMatchObject({ reasons: [{ why: 'held', from: null }], from: null });
    expect((await of('Order', 4)).passes[0]).toMatchObject({ from: last });
  });

  test('what it says is what a run does, row by row', async () => {
    const states = ['shipped', 'open', 'cancelled'];
    for (let id = 1; id <= 40; id += 1) {
      await addOrder(id, id % 7 === 0 ? null : (id * 5) % 23, states[id % 3]);
      if (id % 4 === 0) await shop.rows(`insert into invoice values ($1, $1)`, [id]);
    }
    await shop.rows(
      `delete from invoice where order_id in (select id from shop_order where status = 'shipped')`,
    );
    await addHold(database, policy, {
      entity: 'Order',
      rows: { filter: { id: { $in: ['2', '6', '9', '18'] } } },
      reason: 'r',
      who: 'w',
      until: null,
    });
    const going: number[] = [];
    for (let id = 1; id <= 40; id += 1) if ((await of('Order', id)).goesBy !== null) going.push(id);
    expect(going.length).toBeGreaterThan(8);
    await runEngine(shop.url, policy);
    const left = (await shop.rows<{ id: number }>('select id from shop_order')).map(({ id }) => id);
    expect(going.filter((id) => left.includes(id))).toEqual([]);
    expect(left.length + going.length).toBe(40);
  });

  test('what cannot be looked up is refused', async () => {
    await expect(of('Ordre', 1)).rejects.toThrow('policy shop has no entity "Ordre"');
    await expect(of('Order', 'abc')).rejects.toThrow('"abc" is no key of the entity');
  });
});
