import { defineEntity, p } from '@mikro-orm/core';

import { justOver, justUnder } from './option.ts';

export const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.integer().primary(),
    code: p.integer().unique(),
    at: p.datetime(),
    shop: p.integer(),
    lines: () => p.oneToMany(Line).mappedBy('order'),
  },
});
export const Line = defineEntity({
  name: 'Line',
  properties: {
    id: p.integer().primary(),
    order: () => p.manyToOne(Order).targetKey('code').fieldName('order_code').nullable(),
    at: p.datetime(),
  },
});
/** What belongs to a line, by its primary key. */
export const Part = defineEntity({
  name: 'Part',
  properties: { id: p.integer().primary(), line: () => p.manyToOne(Line).nullable() },
});
export const Data = defineEntity({
  name: 'Data',
  properties: { id: p.integer().primary(), orderId: p.text().nullable() },
});
export const Blob = defineEntity({
  name: 'Blob',
  properties: {
    tenant: p.integer().primary(),
    hash: p.string().primary(),
    id: p.integer(),
    at: p.datetime(),
  },
});
export const Page = defineEntity({
  name: 'Page',
  properties: {
    id: p.integer().primary(),
    blob: () => p.manyToOne(Blob).joinColumns('tenant', 'blob_hash').nullable(),
    at: p.datetime(),
  },
});

/** The codes of orders are the ids of others. */
export const ORDERS = `
  create table orders (id integer primary key, code integer not null unique, at timestamp with time zone, shop integer);
  create index orders_at on orders (at);
  insert into orders values (1, 2, ${justOver(10)}, 1), (2, 1, ${justUnder(10)}, 1), (3, 3, ${justOver(10)}, 2);`;
export const LINES = `${ORDERS}
  create table line (id integer primary key, order_code integer, at timestamp with time zone);
  create index line_order on line (order_code);
  create index line_at on line (at);
  insert into line values
    (21, 2, ${justOver(10)}), (11, 1, ${justOver(10)}), (90, null, ${justOver(10)}), (99, 9, ${justOver(10)});`;
export const DATA = `${ORDERS}
  create table data (id integer primary key, order_id text);
  create index data_order on data (order_id);
  insert into data values (1, '1'), (2, '2'), (3, '01'), (4, '1 '), (5, null);`;
export const old = { name: 'old', entity: Order, age: 'at' } as const;

/** Each blob differs from another in one column of its key. Pages have no foreign key. */
export const BLOBS = `
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
export const oldBlob = { name: 'old', entity: Blob, age: 'at' } as const;
