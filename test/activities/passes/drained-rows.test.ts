import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customers',
  properties: { id: p.integer().primary(), kind: p.string() },
});
const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.integer().primary(),
    at: p.datetime(),
    customer: () => p.manyToOne(Customer),
    lines: () => p.oneToMany(Line).mappedBy('order'),
  },
});
const Line = defineEntity({
  name: 'Line',
  tableName: 'lines',
  properties: { id: p.integer().primary(), order: () => p.manyToOne(Order), cancelled: p.boolean() },
});

/** Five rows a batch: an order with fifty lines has more. */
const DRAINING = { lockFirst: true, size: 5 };

describe('a row with more than fits into a batch', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    // Orders 1 and 2 are old; a line of order 1 is cancelled.
    await database.rows(`
      create table customers (id integer primary key, kind text not null);
      create table orders (id integer primary key, at timestamptz not null, customer_id integer not null references customers);
      create table lines (id integer primary key, order_id integer not null references orders on delete cascade, cancelled boolean not null);
      create index on lines (order_id);
      insert into customers values (1, 'shop');
      insert into orders values (1, now() - interval '9 days', 1), (2, now() - interval '9 days', 1), (3, now(), 1);
      insert into lines select n, 1 + n % 3, n % 3 = 0 and n <= 6 from generate_series(1, 150) as n`);
  });
  afterEach(async () => database.drop());

  function policy(options: object): Policy {
    return definePolicy({
      name: 'p',
      enabled: true,
      entities: [Customer, Order, Line],
      passes: [
        expireRows({ name: 'old', entity: Order, age: 'at', olderThan: '1 day', ...options } as never),
      ],
    });
  }

  async function countBatches(): Promise<number> {
    return database.value('select count(*) from vacuum.batch where rows > 0');
  }

  const FILTERS: [string, object][] = [
    ['its filter', { where: { lines: { $some: { cancelled: true } } } }],
    [
      'an override',
      {
        olderThan: null,
        overrides: [{ where: { lines: { $some: { cancelled: true } } }, olderThan: '1 day' }],
      },
    ],
  ];
  test.each(FILTERS)('goes whole if %s reads what would go first', async (_, options) => {
    const deleted = await runAsPreviewed(database.url, policy(options), DRAINING);
    expect(deleted).toEqual({ old: { orders: 1, lines: 50 } });
    expect(await countBatches()).toBe(1);
    const left = await database.rows('select order_id, count(*)::int from lines group by 1 order by 1');
    expect(left).toEqual([
      { order_id: 2, count: 50 },
      { order_id: 3, count: 50 },
    ]);
  });

  test('goes in parts if its filter reads other tables', async () => {
    const where = { customer: { kind: 'shop' } };
    expect(await runAsPreviewed(database.url, policy({ where }), DRAINING)).toEqual({
      old: { orders: 2, lines: 100 },
    });
    expect(await countBatches()).toBeGreaterThan(15);
  });

  test('leaves the rows of a table that inherits from what cascades', async () => {
    // The heir has no foreign key: its rows lie at the same places as those of the lines, and some name an old order.
    await database.rows(`
      create table lines_archive () inherits (lines);
      insert into lines_archive select 1000 + n, 1 + n % 3, false from generate_series(1, 150) as n`);
    expect(await runAsPreviewed(database.url, policy({}), DRAINING)).toEqual({
      old: { orders: 2, lines: 100 },
    });
    expect(await database.value('select count(*) from lines_archive')).toBe(150);
    expect(await database.value('select count(*) from only lines')).toBe(50);
  });

  const REFUSALS: [string, string][] = [
    [
      'a trigger that raises an error',
      `create function refuse() returns trigger language plpgsql as
         'begin if old.id = 1 then raise exception ''locked''; end if; return old; end';
       create trigger locked before delete on orders for each row execute function refuse()`,
    ],
    [
      'a trigger of what goes along',
      `create function refuse() returns trigger language plpgsql as
         'begin if old.id = 150 then raise exception ''locked''; end if; return null; end';
       update lines set order_id = 1 where id = 150;
       create trigger locked after delete on lines for each row execute function refuse()`,
    ],
    [
      'a reference that falls back on nothing',
      `create table bills (order_id integer default 9 references orders on delete set default);
       insert into bills values (1)`,
    ],
    [
      'a reference that may not be null',
      `create table bills (order_id integer not null references orders on delete set null);
       insert into bills values (1)`,
    ],
    [
      'a check of a reference that is set to null',
      `create table bills (order_id integer references orders on delete set null, other integer, check (order_id > 0 or other > 0));
       alter table bills add check (coalesce(order_id, other) is not null);
       insert into bills values (1, null)`,
    ],
    [
      'a row deep below that is referenced',
      `alter table lines add part_of integer references lines on delete cascade;
       create table bills (line_id integer references lines);
       update lines set part_of = 150 where id = 2; update lines set part_of = 2 where id = 5;
       insert into bills values (5)`,
    ],
  ];
  test.each(REFUSALS)('loses no part if the delete is refused: %s', async (_, change) => {
    await database.rows(change);
    const before = await database.rows('select * from lines where order_id <> 2 order by id');
    const { passes } = await runEngine(database.url, policy({}), DRAINING);
    expect(passes[0]).toMatchObject({ rows: 51, blocked: 1 });
    expect(await database.rows('select * from lines order by id')).toEqual(before);
    expect(await database.rows('select id from orders order by id')).toEqual([{ id: 1 }, { id: 3 }]);
  });

  test('leaves the rows of such a table also when it goes at once', async () => {
    await database.rows(`
      create table lines_archive () inherits (lines);
      insert into lines_archive select 1000 + n, 1 + n % 3, false from generate_series(1, 150) as n`);
    expect(await runAsPreviewed(database.url, policy({}))).toEqual({ old: { orders: 2, lines: 100 } });
    expect(await database.value('select count(*) from lines_archive')).toBe(150);
  });
});
