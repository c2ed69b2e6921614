import type { InferEntity } from '@mikro-orm/core';

import { expireRows } from '../../policy/expire-rows.ts';
import type { ExpireRowsOptions } from '../../policy/expire-rows.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { Order, shopPolicy } from './shop.ts';

/** A policy that deletes closed orders after ten days, unless configured otherwise. */
export function oldOrders(options: Partial<ExpireRowsOptions<InferEntity<typeof Order>>> = {}): Policy {
  return shopPolicy({
    passes: [
      expireRows({
        name: 'old-orders',
        entity: Order,
        age: 'closedAt',
        olderThan: '10 days',
        where: { status: { $in: ['shipped', 'cancelled'] } },
        ...options,
      }),
    ],
  });
}

/** The ids of the orders that are there. */
export async function readOrders(shop: TestDatabase): Promise<number[]> {
  return (await shop.rows<{ id: number }>('select id from shop_order order by id')).map((row) => row.id);
}

/** Adds an order that was closed so long ago. */
export async function addOrder(
  shop: TestDatabase,
  id: number,
  age = '20 days',
  status = 'shipped',
): Promise<void> {
  await shop.rows('insert into shop_order (id, status, closed_at) values ($1, $2, now() - $3::interval)', [
    id,
    status,
    age,
  ]);
}
