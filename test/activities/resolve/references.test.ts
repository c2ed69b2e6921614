import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// Which column and which table a property names is what the catalog and the metadata say. Codes and ids of orders are
// crossed: whoever takes one for the other deletes rows of the wrong order.

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.integer().primary(),
    code: p.integer().unique(),
    name: p.string(),
    at: p.datetime(),
    days: p.integer().nullable(),
  },
});
const Line = defineEntity({
  name: 'Line',
  tableName: 'lines',
  properties: {
    id: p.integer().primary(),
    order: () => p.manyToOne(Order).targetKey('code').fieldName('order_code').nullable(),
    at: p.datetime(),
  },
});
/** The same table with the column alone. */
const Plain = defineEntity({
  name: 'Plain',
  tableName: 'lines',
  properties: { id: p.integer().primary(), orderCode: p.integer().nullable(), at: p.datetime() },
});
const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customers',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Log = defineEntity({
  name: 'Log',
  tableName: 'logs',
  properties: {
    id: p.integer().primary(),
    customer: () => p.manyToOne(Customer),
    customerId: p.integer().persist(false).fieldName('customer_id'),
    order: () => p.manyToOne(Order).nullable(),
    at: p.datetime(),
  },
});
const Latest = defineEntity({
  name: 'Latest',
  tableName: 'latest',
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    order: () => p.manyToOne(Order).targetKey('code').fieldName('order_code').nullable(),
  },
});

describe('a reference means what the catalog and the metadata say:', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table orders (
        id integer primary key, code integer not null unique, name text, at timestamptz not null, days integer);
      create table lines (id integer primary key, order_code integer, at timestamptz not null);
      create index on lines (order_code);
      insert into orders values
        (1, 2, 'a', now() - interval '100 days', 10),
        (2, 1, 'a', now(), 1000),
        (3, 30, 'b', now() - interval '100 days', null),
        (30, 300, 'c', now(), null);
      insert into lines values
        (10, 1, now() - interval '100 days'), (20, 2, now() - interval '100 days'),
        (30, 30, now() - interval '100 days'), (40, 3, now() - interval '100 days'), (50, null, now());`);
  });
  afterEach(async () => database.drop());

  const makePolicy = (...passes: Pass[]): ReturnType<typeof definePolicy> =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [],
      passes,
      limits: { maxPercent: 100 },
    });
  const run = async (...passes: Pass[]): Promise<unknown> =>
    runAsPreviewed(database.url, makePolicy(...passes));
  const refusal = async (...passes: Pass[]): Promise<string> =>
    runEngine(database.url, makePolicy(...passes)).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );
  const ids = async (table: string): Promise<number[]> =>
    (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);
  const orphans = (entity: unknown, by: string, parent: unknown = Order): Pass =>
    deleteOrphans({ name: 'lost', entity, by, parent, age: 'at' } as never);

  const foreignKey =
    'alter table lines add foreign key (order_code) references orders (code) on delete cascade';
  const withoutLost = 'delete from lines where id = 40';

  test.each([
    ['a relation with a target key', Line, 'order', ''],
    ['a relation with a target key, with its foreign key', Line, 'order', foreignKey],
    ['a column with a foreign key to a unique column', Plain, 'orderCode', foreignKey],
  ])('orphans by %s', async (_, entity, by, sql) => {
    if (sql !== '') await database.rows(`${withoutLost}; ${sql}`);
    await run(orphans(entity, by));
    expect(await ids('lines')).toEqual([10, 20, 30, 50]);
  });

  test.each([
    ['without a foreign key', ''],
    ['with a foreign key', `${withoutLost}; ${foreignKey}`],
  ])('soft children by a relation with a target key %s', async (_, sql) => {
    if (sql !== '') await database.rows(sql);
    const old = expireRows({
      name: 'old',
      entity: Order,
      age: 'at',
      olderThan: '30 days',
      with: [softChild({ entity: Line, by: 'order' })],
      keepLast: { count: 1, per: ['name', 'days'] },
      where: { id: { $ne: 3 } },
    });
    await run({ ...old, keepLast: undefined } as never);
    expect(await ids('orders')).toEqual([2, 3, 30]);
    expect((await ids('lines')).filter((id) => id !== 40)).toEqual([10, 30, 50]);
  });

  test('soft children by a target key beside rows that are kept by the primary key', async () => {
    await database.rows(`insert into orders select 100 + n, 1000 - n, 'a', now() - interval '200 days', null
      from generate_series(1, 20) as n`);
    await database.rows(`insert into lines select 100 + n, 1000 - n, now() from generate_series(1, 20) as n`);
    const old = expireRows({
      name: 'old',
      entity: Order,
      age: 'at',
      olderThan: '30 days',
      keepLast: { count: 1, per: ['name'] },
      with: [softChild({ entity: Line, by: 'order' })],
    });
    await run(old);
    expect(await ids('orders')).toEqual([2, 3, 30]);
    expect(await ids('lines')).toEqual([10, 30, 40, 50]);
  });

  test('soft children that name different keys are refused', async () => {
    await database.rows(
      `create table logs (id integer primary key, customer_id integer, order_id integer, at timestamptz)`,
    );
    const old = expireRows({
      name: 'old',
      entity: Order,
      age: 'at',
      olderThan: '30 days',
      with: [softChild({ entity: Line, by: 'order' }), softChild({ entity: Log, by: 'order' })],
    });
    expect(await refusal(old)).toContain('soft children of Order name its rows by different keys');
  });

  test('unreferenced rows by a soft reference with a target key', async () => {
    await run(
      deleteUnreferenced({
        name: 'unused',
        entity: Order,
        age: 'at',
        references: [softReference({ entity: Line, by: 'order' })],
      }),
    );
    // Code 300 is not named, but its order is young.
    expect(await ids('orders')).toEqual([1, 2, 3, 30]);
    await database.rows('delete from lines where order_code = 2');
    await run(
      deleteUnreferenced({
        name: 'unused',
        entity: Order,
        age: 'at',
        references: [softReference({ entity: Line, by: 'order' })],
      }),
    );
    expect(await ids('orders')).toEqual([2, 3, 30]);
  });

  test('a retention of the parent that a target key names', async () => {
    const olderThan = { parent: Order, by: 'order', column: 'days', unit: 'days', default: null } as const;
    await run(expireRows({ name: 'old', entity: Line, age: 'at', olderThan }));
    // Line 20 is of the order with 10 days, line 10 of the one with 1000.
    expect(await ids('lines')).toEqual([10, 30, 40, 50]);
  });

  test('a pointer with a target key', async () => {
    await database.rows(`
      create table latest (id integer primary key, name text unique, order_code integer);
      insert into latest values (1, 'a', 1), (2, 'b', 3), (3, 'c', 77)`);
    const pointer = latestPointer({
      holder: Latest,
      pointer: 'order',
      target: Order,
      group: 'name',
      newest: 'at',
    });
    await run(repointLatest({ name: 'stale', pointer }));
    expect(await database.rows('select id, order_code from latest order by id')).toEqual([
      { id: 1, order_code: 1 },
      { id: 2, order_code: 30 },
      { id: 3, order_code: 300 },
    ]);
  });

  test('a pointer whose target may be without a key is refused', async () => {
    await database.rows(`
      create table latest (id integer primary key, name text unique, order_code integer);
      alter table orders alter code drop not null`);
    const pointer = latestPointer({
      holder: Latest,
      pointer: 'order',
      target: Order,
      group: 'name',
      newest: 'at',
    });
    expect(await refusal(repointLatest({ name: 'stale', pointer }))).toContain('may be without a key');
  });

  test.each([
    ['is not there', 'alter table orders drop constraint orders_code_key'],
    [
      'is partial',
      'alter table orders drop constraint orders_code_key; create unique index on orders (code) where id > 0',
    ],
    [
      'has another column',
      'alter table orders drop constraint orders_code_key; create unique index on orders (code, id)',
    ],
    [
      'is checked late',
      'alter table orders drop constraint orders_code_key; alter table orders add unique (code) deferrable',
    ],
  ])('a target key whose unique index %s is refused', async (_, sql) => {
    await database.rows(sql);
    const said = await refusal(orphans(Line, 'order'));
    expect(said).toContain('property Line.order names Order.code, which is not unique in this database');
    expect(await ids('lines')).toHaveLength(5);
  });

  describe('that leads to another entity is refused, as', () => {
    const LOGS = `
      create table customers (id integer primary key, at timestamptz not null);
      create table logs (
        id integer primary key, customer_id integer not null, order_id integer references orders, at timestamptz not null);
      insert into customers values (1, now()), (77, now());
      insert into logs values (1, 1, 2, now() - interval '100 days'), (2, 77, 2, now() - interval '100 days')`;

    test.each([
      ['a relation', 'customer', ''],
      ['a column with a relation beside it', 'customerId', ''],
      [
        'a relation with its foreign key',
        'customer',
        'alter table logs add foreign key (customer_id) references customers',
      ],
    ])('%s', async (_, by, sql) => {
      await database.rows(`${LOGS}; ${sql}`);
      const said = await refusal(orphans(Log, by));
      expect(said).toContain(`by names Log.${by}, which is a relation to Customer and not to the parent`);
      expect(await ids('logs')).toEqual([1, 2]);
    });

    test('a column with a foreign key', async () => {
      await database.rows(
        `delete from lines; alter table lines add foreign key (order_code) references orders (code);
         create table customers (id integer primary key, at timestamptz not null)`,
      );
      const said = await refusal(orphans(Plain, 'orderCode', Customer));
      expect(said).toContain('by names Plain.orderCode, whose foreign key leads to another table');
      expect(said).toContain('lines_order_code_fkey');
    });

    test.each<[string, () => Pass]>([
      [
        'a soft child',
        () =>
          expireRows({
            name: 'old',
            entity: Order,
            age: 'at',
            olderThan: '9 days',
            with: [softChild({ entity: Log, by: 'customer' })],
          }),
      ],
      [
        'a soft reference',
        () =>
          deleteUnreferenced({
            name: 'unused',
            entity: Order,
            age: 'at',
            references: [softReference({ entity: Log, by: 'customer' })],
          }),
      ],
      [
        'a retention of the parent',
        () =>
          expireRows({
            name: 'old',
            entity: Log,
            age: 'at',
            olderThan: { parent: Order, by: 'customer', column: 'days', unit: 'days', default: null },
          }),
      ],
    ])('in %s', async (_, make) => {
      await database.rows(LOGS);
      expect(await refusal(make())).toContain('which is a relation to Customer and not to the parent');
    });
  });

  test('an entity that names another column than the foreign key is refused', async () => {
    await database.rows(`${withoutLost}; delete from lines where id in (30, 50);
      alter table lines add foreign key (order_code) references orders (id)`);
    expect(await refusal(orphans(Line, 'order'))).toContain(
      'property Line.order names another column of Order by its foreign key than by its entity',
    );
  });

  test('a key of another type is refused with the names of both', async () => {
    await database.rows('alter table lines alter order_code type varchar(36)');
    const said = await refusal(orphans(Line, 'order'));
    expect(said).toContain('property Line.order has another type than the key that it names, Order.code');
    expect(said).toContain('character varying(36) and integer');
    expect(said).toContain('raw SQL in its where');
  });

  test('a key that the column which names it has no room for', async () => {
    await database.rows(`
      alter table orders alter code type bigint;
      alter table lines alter order_code type smallint;
      insert into orders values (5, 9999999999, 'd', now() - interval '100 days', 1)`);
    const old = expireRows({
      name: 'old',
      entity: Order,
      age: 'at',
      olderThan: '30 days',
      with: [softChild({ entity: Line, by: 'order' })],
    });
    await run(old);
    expect(await ids('orders')).toEqual([2, 30]);
    expect(await ids('lines')).toEqual([10, 40, 50]);
  });
});
