import { defineEntity, p } from '@mikro-orm/core';

export const Customer = defineEntity({
  name: 'Customer',
  properties: { id: p.bigint('string').primary(), name: p.string() },
});

export const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.bigint('string').primary(),
    customer: () => p.manyToOne(Customer).nullable(),
    status: p.enum(['open', 'shipped', 'cancelled']),
    closedAt: p.datetime().nullable(),
  },
});

/** Goes with its order: the database cascades. */
export const OrderLine = defineEntity({
  name: 'OrderLine',
  properties: { id: p.bigint('string').primary(), order: () => p.manyToOne(Order), article: p.string() },
});

/** Names an order without a foreign key. */
export const AuditLog = defineEntity({
  name: 'AuditLog',
  properties: {
    id: p.bigint('string').primary(),
    orderId: p.bigint('string').nullable(),
    at: p.datetime(),
    message: p.string(),
  },
});

export const Report = defineEntity({
  name: 'Report',
  properties: {
    id: p.bigint('string').primary(),
    name: p.string(),
    madeAt: p.datetime(),
    size: p.integer(),
  },
});

/** The newest report of each name, with its size copied. */
export const LatestReport = defineEntity({
  name: 'LatestReport',
  properties: { name: p.string().primary(), reportId: p.bigint('string'), size: p.integer() },
});
