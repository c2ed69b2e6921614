import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { Child, createItems, expiring, Item, makePolicy } from '../../support/items.ts';

// What would delete rows that it should not, or could not count them.
describe('is refused, since it cannot be promised:', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createItems();
  });
  afterEach(async () => database.drop());

  async function refusal(policy: Policy, url = database.url): Promise<string> {
    return runEngine(url, policy).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );
  }
  const orphans = deleteOrphans({ name: 'lost', entity: Child, by: 'itemId', parent: Item, age: 'at' });

  test('a table that others inherit from', async () => {
    await database.rows('create table special () inherits (item)');
    expect(await refusal(makePolicy(expiring()))).toContain('has a table that other tables inherit from');
  });

  test('an entity that shares its table', async () => {
    class Entry {
      id!: number;
      type!: string;
      at!: Date;
    }
    class Click extends Entry {}
    const Root = defineEntity({
      class: Entry,
      tableName: 'entry',
      discriminatorColumn: 'type',
      properties: { id: p.integer().primary(), type: p.string(), at: p.datetime() },
    });
    const Part = defineEntity({
      class: Click,
      extends: Root,
      discriminatorValue: 'click',
      properties: {},
    });
    await database.rows('create table entry (id integer primary key, type text not null, at timestamptz)');
    const pass = expireRows({ name: 'clicks', entity: Part, age: 'at', olderThan: '1 day' });
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Root, Part], passes: [pass] });
    expect(await refusal(policy)).toContain('entity Click shares its table with others');
  });

  test('parents that row-level security hides', async () => {
    const role = `tenant_${database.name}`;
    await database.rows(`
      create table child (id integer primary key, item_id integer, at timestamptz);
      alter table item enable row level security;
      create policy mine on item using (state = 'mine');
      create role ${role} login;
      grant select, update, delete on item, child to ${role};
      grant create on database ${database.name} to ${role}`);
    const url = new URL(database.url);
    url.username = role;
    expect(await refusal(makePolicy(orphans), url.toString())).toContain(
      'row-level security hides some rows of entity Item',
    );
    await database.rows(`drop owned by ${role} cascade; drop role ${role}`);
  });

  test('a key that is compared in another way than the one that it names', async () => {
    await database.rows(`
      create table child (id integer primary key, item_id numeric, at timestamptz)`);
    expect(await refusal(makePolicy(orphans))).toContain('has another type than the key that it names');
  });

  test('a key that is compared by another collation than the one that it names', async () => {
    await database.rows(`
      create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      drop table item;
      create table item (id text primary key);
      create table child (id integer primary key, item_id text collate any_case, at timestamptz)`);
    expect(await refusal(makePolicy(orphans))).toContain('has another collation than the key that it names');
  });

  test('rows that are their own parents', async () => {
    await database.rows('create table child (id integer primary key, item_id integer, at timestamptz)');
    const own = deleteOrphans({ name: 'lost', entity: Child, by: 'itemId', parent: Child, age: 'at' });
    expect(await refusal(makePolicy(own))).toContain('entity Child is its own parent');
  });

  describe('foreign keys that do nothing:', () => {
    const LEFT = 'the database does not heed a foreign key to rows that go';

    beforeEach(async () => {
      await database.rows(`
        create table child (
          id integer primary key, item_id integer references item on delete cascade, at timestamptz)`);
    });

    test.each([
      ['of the parent', 'alter table item disable trigger all'],
      ['in replicas alone', 'alter table item enable replica trigger all'],
    ])('triggers %s', async (_, statement) => {
      expect(await refusal(makePolicy(expiring()))).toBe('nothing refused');
      // By name, as `all` stands for what is disabled only.
      const triggers = await database.rows<{ name: string }>(
        `select tgname as name from pg_trigger where tgrelid = 'item'::regclass`,
      );
      for (const { name } of triggers) await database.rows(statement.replace(' all', ` "${name}"`));
      expect(await refusal(makePolicy(expiring()))).toContain(LEFT);
      await database.rows('alter table item enable trigger all');
      expect(await refusal(makePolicy(expiring()))).toBe('nothing refused');
    });

    test('below what goes by cascade', async () => {
      await database.rows(`
        create table toy (id integer primary key, child_id integer references child on delete set null);
        alter table child disable trigger all`);
      const said = await refusal(makePolicy(expiring()));
      expect(said).toContain(LEFT);
      expect(said).toContain('toy_child_id_fkey');
    });

    test('of partitions', async () => {
      await database.rows(`
        drop table child;
        create table child (id integer, item_id integer references item on delete cascade) partition by range (id);
        create table child_1 partition of child for values from (0) to (100);
        create table child_2 partition of child for values from (100) to (200) partition by range (id);
        create table child_3 partition of child_2 for values from (100) to (200)`);
      expect(await refusal(makePolicy(expiring()))).toBe('nothing refused');
      await database.rows('alter table item disable trigger all');
      expect(await refusal(makePolicy(expiring()))).toContain(LEFT);
    });

    test('that are not enforced', async () => {
      await database.rows(`
        alter table child drop constraint child_item_id_fkey;
        alter table child add foreign key (item_id) references item on delete cascade not enforced`);
      expect(await refusal(makePolicy(expiring()))).toContain(LEFT);
    });

    test('in sessions of the role', async () => {
      await database.rows(`alter database ${database.name} set session_replication_role = 'replica'`);
      const said = await refusal(makePolicy(expiring()));
      expect(said).toContain('session_replication_role is replica');
      expect(said).not.toContain(LEFT);
    });
  });
});
