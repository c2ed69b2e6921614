import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

// Values that are equal and not written alike are one group, as for SQL.

const Price = defineEntity({
  name: 'Price',
  tableName: 'prices',
  properties: { id: p.integer().primary(), amount: p.string().nullable(), at: p.datetime() },
});
const Latest = defineEntity({
  name: 'Latest',
  tableName: 'latest',
  properties: { id: p.integer().primary(), amount: p.string().unique(), priceId: p.integer().nullable() },
});

const Owner = defineEntity({
  name: 'Owner',
  tableName: 'owners',
  properties: { id: p.integer().primary(), at: p.datetime() },
});

/** A type, two spellings of one value, and another value. */
const TYPES: [string, string, string, string][] = [
  ['numeric', '1.0', '1.00', '1.01'],
  ['double precision', '0', '-0', '1'],
  ['interval', '1 day', '24 hours', '25 hours'],
  ['citext', 'Ann', 'ann', 'anne'],
  ['text collate any_case', 'Ann', 'ann', 'anne'],
  ['text', 'ann', 'ann', 'Ann'],
  ['jsonb', '{"a": 1.0}', '{"a": 1.00}', '{"a": 2}'],
  ['numeric[]', '{1.0,2}', '{1.00,2.0}', '{1,2,3}'],
  ['numrange', '[1.0,2)', '[1.00,2.0)', '[1,3)'],
  ['timestamptz', '2020-01-01 12:00+00', '2020-01-01 13:00+01', '2020-01-01 13:00+00'],
  ['price', '1.0', '1.00', '1.01'],
  ['bit(2)', '10', '10', '01'],
];

describe('groups of equal values:', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create extension citext;
      create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create domain price as numeric`);
  });
  afterEach(async () => database.drop());

  async function fill(type: string, one: string, alike: string, other: string): Promise<void> {
    await database.rows(`
      create table prices (id integer primary key, amount ${type}, at timestamptz not null);
      insert into prices
        select n, case when n > 8 then null when n > 6 then '${other}' when n % 2 = 0 then '${alike}' else '${one}' end::${type.split(' collate')[0] ?? ''},
          now() - interval '100 days' + n * interval '1 day'
        from generate_series(1, 10) as n`);
  }
  const old = expireRows({
    name: 'old',
    entity: Price,
    age: 'at',
    olderThan: '30 days',
    keepLast: { count: 1, per: ['amount'] },
  });
  const left = async (): Promise<number[]> =>
    (await database.rows<{ id: number }>('select id from prices order by id')).map(({ id }) => id);

  test.each(TYPES)('of type %s: the newest of each stays', async (type, one, alike, other) => {
    await fill(type, one, alike, other);
    const policy = definePolicy({ name: 'p', enabled: true, entities: [], passes: [old] });
    await runAsPreviewed(database.url, policy);
    expect(await left()).toEqual([6, 8, 10]);
  });

  test('are the same for a session of another time zone', async () => {
    await fill('timestamptz', '2020-01-01 12:00+00', '2020-01-01 13:00+01', '2020-01-01 13:00+00');
    const policy = definePolicy({ name: 'p', enabled: true, entities: [], passes: [old] });
    let batches = 0;
    await runEngine(database.url, policy, {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        // For sessions that are opened after this one.
        if (batches === 1) throw new Error('the worker is lost');
      },
    }).catch(() => undefined);
    await database.rows(`alter database ${database.name} set timezone = 'Asia/Bangkok'`);
    await runEngine(database.url, policy);
    expect(await left()).toEqual([6, 8, 10]);
  });

  test.each(TYPES.filter(([type]) => !/^jsonb|\[\]$/.test(type)))(
    'of type %s: a pointer moves to the newest of them',
    async (type, one, alike, other) => {
      await fill(type, one, alike, other);
      await database.rows(`
        create table latest (id integer primary key, amount ${type}, price_id integer);
        insert into latest values (1, '${alike}', 1), (2, '${other}', 7)`);
      const pointer = latestPointer({
        holder: Latest,
        pointer: 'priceId',
        target: Price,
        group: 'amount',
        newest: 'at',
      });
      const lines = definePolicy({
        name: 'p',
        enabled: true,
        entities: [],
        passes: [
          expireRows({
            name: 'old',
            entity: Owner,
            age: 'at',
            olderThan: '30 days',
            with: [softChild({ entity: Price, by: 'id', repoint: [pointer] })],
          }),
        ],
      });
      await database.rows(`
        create table owners (id integer primary key, at timestamptz not null);
        insert into owners values (1, now() - interval '90 days'), (7, now() - interval '90 days')`);
      await runAsPreviewed(database.url, lines);
      expect(await left()).toEqual([2, 3, 4, 5, 6, 8, 9, 10]);
      expect(await database.rows('select id, price_id from latest order by id')).toEqual([
        { id: 1, price_id: 6 },
        { id: 2, price_id: 8 },
      ]);
    },
  );
});
