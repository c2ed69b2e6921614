import { afterEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../../policy/expire-rows.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { runEngine } from '../../../support/engine.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const Item = defineEntity({ name: 'Item', properties: { id: p.integer().primary(), at: p.datetime() } });
const POLICY = definePolicy({
  name: 'items',
  enabled: true,
  entities: [Item],
  passes: [expireRows({ name: 'old', entity: Item, age: 'at', olderThan: '1 day' })],
});

let file: TestFile;
afterEach(() => file.drop());

// SQLite checks a deferred foreign key when the transaction commits, which would end the whole batch each time.
test('a row that a deferred foreign key forbids to delete stops no other', async () => {
  file = createFile(`
    create table item (id integer primary key, at text not null);
    create table note (
      id integer primary key,
      item_id integer default 999 references item on delete set default deferrable initially deferred);
    create index by_item on note (item_id);
    insert into item
      with recursive n (id) as (select 1 union all select id + 1 from n where id < 50)
      select id, datetime('now', '-9 days') from n;
    insert into note values (1, 7), (2, 33);
    -- It named nothing before.
    pragma foreign_keys = off;
    insert into note values (3, 1234);
    pragma foreign_keys = on;`);
  const { passes } = await runEngine(file.url, POLICY, { size: 20 });
  expect(passes).toMatchObject([{ deleted: { item: 48 }, blocked: 2 }]);
  expect(file.rows('select id from item order by id')).toEqual([{ id: 7 }, { id: 33 }]);
  expect(file.rows('select id, item_id as item from note order by id')).toEqual([
    { id: 1, item: 7 },
    { id: 2, item: 33 },
    { id: 3, item: 1234 },
  ]);
});

test('neither does one whose trigger deletes what such a foreign key names, in a table that the pass does not know', async () => {
  file = createFile(`
    create table item (id integer primary key, at text not null);
    create table box (id integer primary key);
    create table note (id integer primary key, box_id integer references box deferrable initially deferred);
    create trigger unpack after delete on item begin delete from box where id = old.id; end;
    insert into item
      with recursive n (id) as (select 1 union all select id + 1 from n where id < 50)
      select id, datetime('now', '-9 days') from n;
    insert into box select id from item;
    insert into note values (1, 7), (2, 33);`);
  const { passes } = await runEngine(file.url, POLICY, { size: 20 });
  expect(passes).toMatchObject([{ deleted: { item: 48 }, blocked: 2 }]);
  expect(file.rows('select id from item order by id')).toEqual([{ id: 7 }, { id: 33 }]);
  expect(file.rows('select id from box order by id')).toEqual([{ id: 7 }, { id: 33 }]);
});
