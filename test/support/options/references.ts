import { defineEntity, p } from '@mikro-orm/core';

import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver, justUnder } from './option.ts';

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id: p.integer().primary(), code: p.integer().unique(), at: p.datetime() },
});
const Line = defineEntity({
  name: 'Line',
  properties: {
    id: p.integer().primary(),
    order: () => p.manyToOne(Order).targetKey('code').fieldName('order_code').nullable(),
  },
});
const Data = defineEntity({
  name: 'Data',
  properties: { id: p.integer().primary(), orderId: p.text().nullable() },
});
const Blob = defineEntity({
  name: 'Blob',
  properties: {
    tenant: p.integer().primary(),
    hash: p.string().primary(),
    id: p.integer(),
    at: p.datetime(),
  },
});
const Page = defineEntity({
  name: 'Page',
  properties: {
    id: p.integer().primary(),
    blob: () => p.manyToOne(Blob).joinColumns('tenant', 'blob_hash').nullable(),
    at: p.datetime(),
  },
});

/** The codes of orders are the ids of others. */
const ORDERS = `
  create table orders (id integer primary key, code integer not null unique, at timestamp with time zone);
  create index orders_at on orders (at);
  insert into orders values (1, 2, ${justOver(10)}), (2, 1, ${justUnder(10)}), (3, 3, ${justOver(10)});`;
const LINES = `${ORDERS}
  create table line (id integer primary key, order_code integer);
  create index line_order on line (order_code);
  insert into line values (21, 2), (11, 1), (90, null), (99, 9);`;
const DATA = `${ORDERS}
  create table data (id integer primary key, order_id text);
  create index data_order on data (order_id);
  insert into data values (1, '1'), (2, '2'), (3, '01'), (4, '1 '), (5, null);`;
const old = { name: 'old', entity: Order, age: 'at' } as const;

/** Each blob differs from another in one column of its key. Pages have no foreign key. */
const BLOBS = `
  create table blob (
    tenant integer not null, hash varchar(20) not null, id integer not null, at timestamp with time zone, primary key (tenant, hash)
  );
  create table page (id integer primary key, tenant integer, blob_hash varchar(20), at timestamp with time zone);
  create index page_blob on page (tenant, blob_hash);
  create index page_at on page (at);
  create index blob_at on blob (at);
  insert into blob values
    (1, 'a', 1, ${justOver(10)}), (2, 'a', 2, ${justOver(10)}), (1, 'b', 3, ${justOver(10)}), (3, 'c', 4, ${justUnder(10)});
  insert into page values
    (1, 1, 'a', ${justOver(10)}), (2, 2, 'b', ${justUnder(10)}), (3, 1, 'a', ${justUnder(10)}), (4, 1, null, ${justOver(10)});`;
const oldBlob = { name: 'old', entity: Blob, age: 'at' } as const;

/** By what rows reference others. */
export const REFERENCES: readonly Option[] = [
  {
    name: 'soft children by a unique key',
    schema: LINES,
    entities: [Order, Line],
    passes: [expireRows({ ...old, olderThan: '10 days', with: [softChild({ entity: Line, by: 'order' })] })],
    deleted: { old: { orders: 2, line: 1 } },
    left: { orders: [2], line: [11, 90, 99] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 2, ['too-young']],
      ['Line', 21, 'old'],
      ['Line', 11, ['too-young']],
      ['Line', 99, []],
    ],
  },
  {
    name: 'soft references by a unique key',
    schema: LINES,
    entities: [Order, Line],
    passes: [
      deleteUnreferenced({
        ...old,
        grace: '10 days',
        references: [softReference({ entity: Line, by: 'order' })],
      }),
    ],
    deleted: { old: { orders: 1 } },
    left: { orders: [1, 2], line: [11, 21, 90, 99] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['referenced']],
      ['Order', 2, ['too-young', 'referenced']],
    ],
  },
  {
    name: 'soft children by a key that is kept as text',
    schema: DATA,
    entities: [Order, Data],
    passes: [
      expireRows({
        ...old,
        olderThan: '10 days',
        with: [softChild({ entity: Data, by: 'orderId', as: 'text' })],
      }),
    ],
    deleted: { old: { orders: 2, data: 1 } },
    left: { orders: [2], data: [2, 3, 4, 5] },
    explained: [
      ['Order', 1, 'old'],
      ['Order', 2, ['too-young']],
      ['Data', 1, 'old'],
      ['Data', 2, ['too-young']],
      ['Data', 3, []],
    ],
  },
  {
    name: 'soft references by a key that is kept as text',
    schema: DATA,
    entities: [Order, Data],
    passes: [
      deleteUnreferenced({
        ...old,
        grace: '10 days',
        references: [softReference({ entity: Data, by: 'orderId', as: 'text' })],
      }),
    ],
    deleted: { old: { orders: 1 } },
    left: { orders: [1, 2], data: [1, 2, 3, 4, 5] },
    explained: [
      ['Order', 3, 'old'],
      ['Order', 1, ['referenced']],
      ['Order', 2, ['too-young', 'referenced']],
    ],
  },
  {
    name: 'soft children of several columns',
    schema: `${BLOBS}
      insert into page values (5, 3, 'c', ${justOver(10)});`,
    entities: [Blob, Page],
    passes: [
      expireRows({ ...oldBlob, olderThan: '10 days', with: [softChild({ entity: Page, by: 'blob' })] }),
    ],
    deleted: { old: { blob: 3, page: 2 } },
    left: { blob: [4], page: [2, 4, 5] },
    explained: [
      ['Blob', 'tenant=1,hash=a', 'old'],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
      ['Page', 1, 'old'],
      ['Page', 3, 'old'],
      ['Page', 2, []],
      ['Page', 4, []],
      ['Page', 5, ['too-young']],
    ],
  },
  {
    name: 'soft references of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [
      deleteUnreferenced({
        ...oldBlob,
        grace: '10 days',
        references: [softReference({ entity: Page, by: 'blob' })],
      }),
    ],
    deleted: { old: { blob: 2 } },
    left: { blob: [1, 4], page: [1, 2, 3, 4] },
    explained: [
      ['Blob', 'tenant=2,hash=a', 'old'],
      ['Blob', 'tenant=1,hash=b', 'old'],
      ['Blob', 'tenant=1,hash=a', ['referenced']],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
    ],
  },
  {
    name: 'holds by keys of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [expireRows({ ...oldBlob, olderThan: '10 days' })],
    holds: [{ entity: 'Blob', rows: { key: 'tenant=1,hash=b' } }],
    deleted: { old: { blob: 2 } },
    left: { blob: [3, 4], page: [1, 2, 3, 4] },
    explained: [
      ['Blob', 'tenant=1,hash=a', 'old'],
      ['Blob', 'tenant=2,hash=a', 'old'],
      ['Blob', 'tenant=1,hash=b', ['held']],
      ['Blob', 'tenant=3,hash=c', ['too-young']],
    ],
  },
  {
    name: 'the newest of each group by a key of several columns',
    schema: BLOBS,
    entities: [Blob, Page],
    passes: [
      expireRows({
        name: 'old',
        entity: Page,
        age: 'at',
        olderThan: '10 days',
        keepLast: { count: 1, per: ['blob'] },
      }),
    ],
    deleted: { old: { page: 1 } },
    left: { blob: [1, 2, 3, 4], page: [2, 3, 4] },
    explained: [
      ['Page', 1, 'old'],
      ['Page', 2, ['too-young', 'kept-newest']],
      ['Page', 3, ['too-young', 'kept-newest']],
      ['Page', 4, ['kept-newest']],
    ],
  },
];
