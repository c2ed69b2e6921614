import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// The entity says that each line has an order. The database has lines without one: MikroORM's inner join drops them from
// every filter that goes over the order, whatever else it says.

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id: p.integer().primary(), vip: p.boolean().nullable(), region: () => p.manyToOne(Region) },
});
const Region = defineEntity({
  name: 'Region',
  tableName: 'regions',
  properties: { id: p.integer().primary(), name: p.string() },
});
const Line = defineEntity({
  name: 'Line',
  tableName: 'lines',
  properties: {
    id: p.integer().primary(),
    order: () => p.manyToOne(Order),
    kind: p.string(),
    at: p.datetime(),
  },
});

describe('rows without a relation that their entity says is required', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table regions (id integer primary key, name text);
      create table orders (id integer primary key, vip boolean, region_id integer);
      create table lines (id integer primary key, order_id integer, kind text not null, at timestamptz not null);
      insert into regions values (1, 'north');
      insert into orders values (1, true, 1), (2, false, 1), (3, null, 99);
      insert into lines values
        (1, 1, 'plain', now() - interval '20 days'), (2, 2, 'plain', now() - interval '20 days'),
        (3, 2, 'legal', now() - interval '20 days'), (4, 77, 'legal', now() - interval '20 days'),
        (5, null, 'legal', now() - interval '20 days'), (6, 77, 'plain', now() - interval '20 days'),
        (7, 3, 'legal', now() - interval '20 days'), (8, 2, 'plain', now())`);
  });
  afterEach(async () => database.drop());

  const makePolicy = (options: object = {}): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [],
      limits: { maxPercent: 100 },
      passes: [expireRows({ name: 'old', entity: Line, age: 'at', olderThan: '10 days', ...options })],
    });
  const left = async (): Promise<number[]> =>
    (await database.rows<{ id: number }>('select id from lines order by id')).map(({ id }) => id);

  test('stay under an override that names them by something else', async () => {
    const where = { $or: [{ kind: 'legal' }, { order: { vip: true } }] };
    await runAsPreviewed(database.url, makePolicy({ overrides: [{ where, olderThan: null }] }));
    expect(await left()).toEqual([1, 3, 4, 5, 7, 8]);
  });

  test('stay under one over two relations', async () => {
    const where = { $or: [{ kind: 'legal' }, { order: { region: { name: 'south' } } }] };
    await runAsPreviewed(database.url, makePolicy({ overrides: [{ where, olderThan: '1000 days' }] }));
    expect(await left()).toEqual([3, 4, 5, 7, 8]);
  });

  test('stay under a shorter override of which nobody knows whether it means them', async () => {
    const where = { order: { vip: null } };
    await runAsPreviewed(
      database.url,
      makePolicy({ olderThan: '1000 days', overrides: [{ where, olderThan: '1 day' }] }),
    );
    // Line 7 has an order that is no VIP; lines 4 to 6 have none.
    expect(await left()).toEqual([1, 2, 3, 4, 5, 6, 8]);
  });

  test('go if only a relation that they do not have would keep them', async () => {
    const where = { order: { vip: true } };
    await runAsPreviewed(database.url, makePolicy({ overrides: [{ where, olderThan: null }] }));
    expect(await left()).toEqual([1, 8]);
  });

  test('are held by a hold that names them by something else', async () => {
    const vacuumed = await openDatabase(database.url);
    const filter = { $or: [{ kind: 'legal' }, { order: { vip: true } }] };
    await addHold(vacuumed, makePolicy(), {
      entity: 'Line',
      rows: { filter },
      reason: 'audit',
      who: 'test',
      until: null,
    });
    await vacuumed.close();
    await runAsPreviewed(database.url, makePolicy());
    expect(await left()).toEqual([1, 3, 4, 5, 7, 8]);
  });

  test('do not match the filter of a pass, so that they stay', async () => {
    await runAsPreviewed(
      database.url,
      makePolicy({ where: { $or: [{ kind: 'legal' }, { order: { vip: true } }] } }),
    );
    expect(await left()).toEqual([2, 4, 5, 6, 8]);
  });
});
