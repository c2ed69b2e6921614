import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';

// PostgreSQL checks a deferred foreign key when the transaction commits, which would end the whole batch each time.

const Item = defineEntity({ name: 'Item', properties: { id: p.integer().primary(), at: p.datetime() } });
const POLICY = definePolicy({
  name: 'items',
  enabled: true,
  entities: [Item],
  limits: { maxPercent: 100 },
  passes: [expireRows({ name: 'old', entity: Item, age: 'at', olderThan: '1 day' })],
});
const WAYS: EngineOptions[] = [{ size: 20 }, { size: 7, lockFirst: true }];

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  await database.rows(`
    create table item (id integer primary key, at timestamptz not null);
    insert into item select n, now() - interval '9 days' from generate_series(1, 50) as n`);
});
afterEach(async () => database.drop());

const ids = async (table: string): Promise<number[]> =>
  (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);

test.each(WAYS)('a row that a deferred default forbids to delete stops no other: %j', async (way) => {
  await database.rows(`
    create table note (id integer primary key, item_id integer default 999
      references item on delete set default deferrable initially deferred);
    create index on note (item_id);
    insert into note values (1, 7), (2, 33)`);
  const { passes } = await runEngine(database.url, POLICY, way);
  expect(passes).toMatchObject([{ deleted: { item: 48 }, blocked: 2 }]);
  expect(await ids('item')).toEqual([7, 33]);
  expect(await database.rows('select id, item_id from note order by id')).toEqual([
    { id: 1, item_id: 7 },
    { id: 2, item_id: 33 },
  ]);
});

test.each(WAYS)(
  'neither does one whose trigger deletes what such a foreign key names, in a table that the pass does not know: %j',
  async (way) => {
    await database.rows(`
      create table box (id integer primary key);
      create table note (id integer primary key, box_id integer references box deferrable initially deferred);
      create function unpack() returns trigger language plpgsql as
        'begin delete from box where id = old.id; return null; end';
      create trigger unpack after delete on item for each row execute function unpack();
      insert into box select id from item;
      insert into note values (1, 7), (2, 33)`);
    const { passes } = await runEngine(database.url, POLICY, way);
    expect(passes).toMatchObject([{ deleted: { item: 48 }, blocked: 2 }]);
    expect([await ids('item'), await ids('box')]).toEqual([
      [7, 33],
      [7, 33],
    ]);
  },
);

test.each(WAYS)('nor one that a deferred trigger refuses when the transaction ends: %j', async (way) => {
  await database.rows(`
    create function refuse() returns trigger language plpgsql as
      'begin if old.id in (7, 33) then raise exception ''no''; end if; return null; end';
    create constraint trigger refuse after delete on item deferrable initially deferred
      for each row execute function refuse()`);
  const { passes } = await runEngine(database.url, POLICY, way);
  expect(passes).toMatchObject([{ deleted: { item: 48 }, blocked: 2 }]);
  expect(await ids('item')).toEqual([7, 33]);
});
