import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import type { AddedHold, HoldRequest } from '../../../activities/inspect/add-hold.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Line = defineEntity({
  name: 'Line',
  properties: {
    orderId: p.integer().primary(),
    code: p.string().primary(),
    weight: p.double().primary(),
    at: p.datetime(),
  },
});
const Part = defineEntity({ name: 'Part', properties: { id: p.integer().primary() } });
const policy = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Line, Part],
  passes: [expireRows({ name: 'old', entity: Line, age: 'at', olderThan: '10 days' })],
});
// Each row of the first four differs from the one that is held in one column of its key.
const schema = (): string => `
  create table line (
    order_id integer, code varchar(20), weight double precision, at timestamp not null, primary key (order_id, code, weight)
  );
  create table part (
    id integer primary key, order_id integer, code varchar(20), weight double precision,
    foreign key (order_id, code, weight) references line (order_id, code, weight) on delete cascade
  );
  create index part_line on part (order_id, code, weight);
  insert into line values
    (7, 'a,code=b', 0.1, ${daysAgo(20)}), (8, 'a,code=b', 0.1, ${daysAgo(20)}), (7, 'A', 0.1, ${daysAgo(20)}),
    (7, 'a,code=b', 0.2, ${daysAgo(20)}), (9, 'young', 0.1, ${daysAgo(1)});
  insert into part values (1, 7, 'a,code=b', 0.1), (2, 7, 'a,code=b', 0.2)`;

describe.each(DIALECTS)('holds by a key of several columns: %s', (_, open) => {
  let file: EitherDatabase;
  let database: Database;
  beforeEach(async () => {
    file = await open(schema());
    database = await openDatabase(file.url);
  });
  afterEach(async () => {
    await database.close();
    await file.drop();
  });

  async function hold(entity: string, rows: HoldRequest['rows']): Promise<AddedHold> {
    return addHold(database, policy, { entity, rows, reason: 'a lawsuit', who: 'ann', until: null });
  }

  const lines = async (): Promise<string[]> => {
    const rows = await file.rows<{ order_id: number; code: string; weight: number }>(
      'select order_id, code, weight from line order by 1, 2, 3',
    );
    return rows.map(({ order_id: order, code, weight }) => `${order} ${code} ${weight}`);
  };

  test('keep that row with what belongs to it, and none that differs in one column', async () => {
    const key = '{"weight": "0.1", "order_id": 7, "code": "a,code=b"}';
    expect(await hold('Line', { key })).toMatchObject({ settled: true, gone: false });
    await runAsPreviewed(file.url, policy, {});
    expect(await lines()).toEqual(['7 a,code=b 0.1', '9 young 0.1']);
    expect(await file.ids('part')).toEqual([1]);
  });

  test('keep the row that a held one is deleted along with, by a foreign key of several columns', async () => {
    await hold('Part', { key: '2' });
    await runAsPreviewed(file.url, policy, {});
    expect(await lines()).toEqual(['7 a,code=b 0.2', '9 young 0.1']);
    expect(await file.ids('part')).toEqual([2]);
  });

  test('are explained and listed by the names that the person wrote', async () => {
    const { id } = await hold('Line', { key: 'orderId=7,code=A,weight=0.1' });
    expect(await database.session.ledger.holds.list()).toMatchObject([
      { id, key: null, filter: { orderId: '7', code: 'A', weight: '0.1' }, inForce: true },
    ]);
    const explained = await explainRow(database, policy, 'Line', 'orderId=7,code=A,weight=0.1');
    expect(JSON.stringify(explained)).toContain('held');
    expect(explained.goesBy).toBeNull();
    const other = await explainRow(database, policy, 'Line', 'orderId=8,weight=0.1,code=a');
    expect(other.found).toBe(false);
    await database.session.ledger.holds.delete(id);
    expect((await explainRow(database, policy, 'Line', 'orderId=7,code=A,weight=0.1')).goesBy).toBe('old');
  });

  test.each([
    ['orderId=6,code=A,weight=0.1', 'there is no row'],
    ['orderId=7,code=a,code=b,weight=0.1', 'does not name each of the 3 columns of the primary key once'],
    ['orderId=7,code=A', 'does not name each of the 3 columns of the primary key once'],
  ])('a key that names no row is told: %s', async (key, told) => {
    await expect(hold('Line', { key })).rejects.toThrow(told);
  });
});
