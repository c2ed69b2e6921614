import { defineEntity, p } from '@mikro-orm/core';

import { definePolicy } from '../../policy/policy.ts';
import type { Policy, PolicyOptions } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';

// A small shop, with keys and types that Prefect does not have: bigint keys, an enum in text, a date, a tree.

export const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customer',
  properties: { id: p.bigint('string').primary(), name: p.string() },
});

export const Order = defineEntity({
  name: 'Order',
  tableName: 'shop_order',
  properties: {
    id: p.bigint('string').primary(),
    status: p.enum(['open', 'shipped', 'cancelled']),
    closedAt: p.datetime().nullable(),
    customer: () => p.manyToOne(Customer).nullable(),
  },
});

export const OrderLine = defineEntity({
  name: 'OrderLine',
  tableName: 'order_line',
  properties: {
    id: p.bigint('string').primary(),
    orderId: p.bigint('string').fieldName('order_id'),
    text: p.string(),
  },
});

/** No foreign key to its order. */
export const AuditLog = defineEntity({
  name: 'AuditLog',
  tableName: 'audit_log',
  properties: {
    id: p.bigint('string').primary(),
    orderId: p.bigint('string').nullable(),
    at: p.datetime(),
    text: p.string(),
  },
});

/** Has a foreign key that forbids deleting its order first. */
export const Invoice = defineEntity({
  name: 'Invoice',
  tableName: 'invoice',
  properties: { id: p.bigint('string').primary(), orderId: p.bigint('string').nullable() },
});

/** A tree whose foreign key leads to the table itself. */
export const Folder = defineEntity({
  name: 'Folder',
  tableName: 'folder',
  properties: { id: p.integer().primary(), parentId: p.integer().nullable(), closedOn: p.date().nullable() },
});

const SCHEMA = `
  create table customer (id bigint primary key, name text not null);
  create table shop_order (
    id bigint primary key, status text not null, closed_at timestamptz, customer_id bigint references customer);
  create index on shop_order (closed_at);
  create table order_line (
    id bigint primary key, order_id bigint not null references shop_order on delete cascade, text text not null);
  create index on order_line (order_id);
  create table audit_log (id bigint primary key, order_id bigint, at timestamptz not null, text text not null);
  create index on audit_log (order_id);
  create table invoice (id bigint primary key, order_id bigint references shop_order);
  create index on invoice (order_id);
  create table folder (id integer primary key, parent_id integer references folder on delete set null, closed_on date);
  create index on folder (parent_id);
`;

/** A database with an empty shop. */
export async function createShop(): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  await database.rows(SCHEMA);
  return database;
}

/** A policy over the shop, enabled, with small batches. */
export function shopPolicy(options: Partial<PolicyOptions> & Pick<PolicyOptions, 'passes'>): Policy {
  return definePolicy({
    name: 'shop',
    entities: [Customer, Order, OrderLine, AuditLog, Invoice, Folder],
    enabled: true,
    ...options,
  });
}
