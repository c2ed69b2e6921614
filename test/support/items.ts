import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../policy/expire-rows.ts';
import type { Pass } from '../../policy/pass.ts';
import { definePolicy } from '../../policy/policy.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';

// Items of owners, with children that each test gives the foreign keys it is about.

export const Item = defineEntity({
  name: 'Item',
  properties: {
    id: p.integer().primary(),
    ownerId: p.integer().nullable(),
    owner: () => p.manyToOne(Owner).nullable().persist(false).joinColumn('owner_id'),
    state: p.string(),
    at: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
});
export const Owner = defineEntity({
  name: 'Owner',
  properties: { id: p.integer().primary(), kind: p.string() },
});
export const Child = defineEntity({
  name: 'Child',
  properties: { id: p.integer().primary(), itemId: p.integer().nullable(), at: p.datetime() },
});

/** A database with items and owners, without rows and without the table of the children. */
export async function createItems(): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  await database.rows(`
      create table owner (id integer primary key, kind text);
      create table item (id integer primary key, owner_id integer references owner, state text, at timestamptz, ended_at timestamptz)`);
  return database;
}

/** An enabled policy over the items. */
export function makePolicy(...passes: Pass[]): Policy {
  return definePolicy({ name: 'p', enabled: true, entities: [Item, Owner, Child], passes });
}

/** A pass that deletes items after a day, unless configured otherwise. */
export function expiring(options: object = {}): Pass {
  return expireRows({ name: 'old', entity: Item, age: 'at', olderThan: '1 day', ...options });
}
