import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { PreviewBound, PreviewedPass } from '../../../activities/stored/report.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createFile } from '../../support/sqlite.ts';

const id = () => p.integer().primary();
const Task = defineEntity({
  name: 'Task',
  tableName: 'tasks',
  properties: { id: id(), outerId: p.integer().nullable(), at: p.datetime() },
});
const Tenant = defineEntity({
  name: 'Tenant',
  tableName: 'tenants',
  properties: { id: id(), days: p.integer(), at: p.datetime() },
});
const Item = defineEntity({
  name: 'Item',
  tableName: 'items',
  properties: {
    id: id(),
    tenantId: p.integer().nullable(),
    lost: p.boolean(),
    leftAt: p.datetime().nullable(),
    at: p.datetime(),
  },
});
const Note = defineEntity({
  name: 'Note',
  tableName: 'notes',
  properties: { id: id(), tenantId: p.integer(), at: p.datetime() },
});
const Cat = defineEntity({ name: 'Cat', tableName: 'cats', properties: { id: id(), at: p.datetime() } });
const Product = defineEntity({
  name: 'Product',
  tableName: 'products',
  properties: { id: id(), catId: p.integer().nullable(), otherId: p.integer().nullable() },
});

const OLD = `now() - interval '100 days'`;

// Nobody writes beside the run; still a preview cannot know what the passes change in rows that stay.
describe('a preview says which of its numbers are a bound', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table tasks (id int primary key, outer_id int references tasks on delete set null, owner_id int references tasks on delete cascade, at timestamptz not null);
      create table tenants (id int primary key, days int, at timestamptz not null);
      create table items (id int primary key, tenant_id int references tenants on delete set null, lost boolean generated always as (tenant_id is null) stored, at timestamptz not null);
      create table notes (id int primary key, tenant_id int not null, at timestamptz not null);
      create table cats (id int primary key, at timestamptz not null);
      create table products (id int primary key, cat_id int references cats on delete cascade, other_id int);
      insert into tasks values (1, null, null, ${OLD}), (2, null, 1, now()), (3, 2, null, ${OLD}), (4, null, null, now());
      insert into tenants values (1, 1000, ${OLD}), (2, 1000, now());
      insert into items (id, tenant_id, at) values (1, 1, ${OLD}), (2, 2, ${OLD});
      insert into notes values (1, 1, ${OLD}), (2, 2, ${OLD});
      insert into cats values (1, ${OLD}), (2, ${OLD}), (3, now());
      insert into products values (1, 1, 2);`);
  });
  afterEach(async () => database.drop());

  const expiring = (name: string, entity: unknown, more: object = {}): Pass =>
    expireRows({ name, entity, age: 'at', olderThan: '30 days', ...more } as never);
  const tenants = expiring('tenants', Tenant);

  interface Counted {
    readonly previewed: number;
    readonly deleted: number;
    readonly bounds: readonly PreviewBound[];
  }

  async function preview(policy: Policy, url = database.url): Promise<readonly PreviewedPass[]> {
    const open = await openDatabase(url);
    try {
      const names = policy.passes.map(({ name }) => name);
      return (await previewPolicy(open, policy, names)).passes;
    } finally {
      await open.close();
    }
  }

  /** Previews and runs passes; returns what the last one counted. */
  async function compare(...passes: Pass[]): Promise<Counted> {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Task, Tenant, Item, Note, Cat, Product],
      limits: { maxPercent: 100 },
      passes,
    });
    const previewedPasses = await preview(policy);
    const run = await runEngine(database.url, policy, { size: 1 });
    const last = passes.length - 1;
    const { rows: previewed = 0, bounds = [] } = previewedPasses[last] ?? {};
    return { previewed, deleted: run.passes[last]?.rows ?? 0, bounds };
  }

  test('at least: rows nested in one that only goes by cascade', async () => {
    const { previewed, deleted, bounds } = await compare(expiring('tasks', Task, { nestedBy: 'outerId' }));
    expect([previewed, deleted]).toEqual([2, 3]);
    expect(bounds).toMatchObject([{ rows: 'at least', here: 'table tasks' }]);
  });

  test('about: a computed column of a row that an earlier pass changes', async () => {
    const { previewed, deleted, bounds } = await compare(
      tenants,
      expiring('items', Item, { where: { lost: true } }),
    );
    expect([previewed, deleted]).toEqual([0, 1]);
    expect(bounds).toMatchObject([{ rows: 'about', here: 'column lost of table items' }]);
  });

  test('about: a computed age of a row that an earlier pass changes', async () => {
    await database.rows(`
      alter table items add left_at timestamp generated always as (case when tenant_id is null then timestamp '2020-01-01' end) stored`);
    const { previewed, deleted, bounds } = await compare(
      tenants,
      expireRows({ name: 'items', entity: Item, age: 'leftAt', olderThan: '30 days' }),
    );
    expect([previewed, deleted]).toEqual([0, 1]);
    expect(bounds).toMatchObject([{ rows: 'about', here: 'column left_at of table items' }]);
  });

  test('about: the retention of a parent that an earlier pass deletes', async () => {
    const olderThan = { parent: Tenant, by: 'tenantId', column: 'days', unit: 'days', default: '30 days' };
    const { previewed, deleted, bounds } = await compare(tenants, expiring('notes', Note, { olderThan }));
    expect([previewed, deleted]).toEqual([0, 1]);
    expect(bounds).toMatchObject([{ rows: 'about', here: 'table tenants' }]);
  });

  test('about: a reference is set to its default, which is then referenced', async () => {
    await database.rows(`
      alter table products drop constraint products_cat_id_fkey;
      alter table products alter cat_id set default 2, add foreign key (cat_id) references cats on delete set default;
      update products set other_id = null`);
    const first = expiring('first', Cat, { where: { id: 1 } });
    const { previewed, deleted, bounds } = await compare(
      first,
      deleteUnreferenced({ name: 'cats', entity: Cat, age: 'at' }),
    );
    expect([previewed, deleted]).toEqual([1, 0]);
    expect(bounds).toMatchObject([
      { rows: 'at most', here: 'constraint products_cat_id_fkey of table products' },
      { rows: 'about', here: 'constraint products_cat_id_fkey of table products' },
    ]);
  });

  test('at most: a trigger keeps rows', async () => {
    await database.rows(`
      create function keep() returns trigger language plpgsql as 'begin if old.id = 1 then return null; end if; return old; end';
      create trigger keeper before delete on notes for each row execute function keep()`);
    const { previewed, deleted, bounds } = await compare(expiring('notes', Note));
    expect([previewed, deleted]).toEqual([2, 1]);
    expect(bounds).toMatchObject([{ rows: 'at most', here: 'trigger keeper of table notes' }]);
  });

  test('at most: the database allows no delete in a published table without a replica identity', async () => {
    await database.rows('alter table notes replica identity nothing; create publication pub for table notes');
    const policy = definePolicy({ name: 'p', entities: [Note], passes: [expiring('notes', Note)] });
    const passes = await preview(policy);
    expect(passes[0]).toMatchObject({ rows: 2, bounds: [{ rows: 'at most' }] });
    expect(passes[0]?.bounds[0]?.here).toContain('does not have a replica identity');
  });

  test('about: rows go along with others of their own table, and a row deep below is referenced', async () => {
    await database.rows(`
      create table refs (id int primary key, task_id int references tasks);
      insert into tasks values (5, null, 2, now()), (6, null, 5, now());
      insert into refs values (1, 6)`);
    const { deleted, bounds } = await compare(expiring('tasks', Task));
    expect(deleted).toBe(1);
    expect(bounds).toMatchObject([{ rows: 'about', here: 'table tasks; constraint refs_task_id_fkey' }]);
    expect(await database.value('select count(*) from tasks where id in (1, 2, 5, 6)')).toBe(4);
  });

  test('at most: a default that references fall back on names no row', async () => {
    await database.rows(`
      alter table products drop constraint products_cat_id_fkey;
      alter table products alter cat_id set default 9, add foreign key (cat_id) references cats on delete set default`);
    const { previewed, deleted, bounds } = await compare(expiring('cats', Cat));
    expect([previewed, deleted]).toEqual([2, 1]);
    expect(bounds).toMatchObject([
      { rows: 'at most', here: 'constraint products_cat_id_fkey of table products' },
    ]);
  });

  test('at most: SQLite checks a foreign key row by row, and rows reference one another in a circle', async () => {
    const file = createFile(`
      create table cats (id integer primary key, at text not null, other integer references cats on delete restrict);
      insert into cats values (1, '2020-01-01', null), (2, '2020-01-01', 3), (3, '2020-01-01', null), (4, '2020-01-01', 1);
      update cats set other = 2 where id = 3`);
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Cat],
      limits: { maxPercent: 100 },
      passes: [expiring('cats', Cat)],
    });
    const [previewed] = await preview(policy, file.url);
    const run = await runEngine(file.url, policy);
    // The chain of 4 and 1 goes; 2 and 3 stay.
    expect([previewed?.rows, run.passes[0]?.rows, run.passes[0]?.blocked]).toEqual([4, 2, 2]);
    expect(previewed?.bounds).toMatchObject([{ rows: 'at most', here: 'constraint cats (other)' }]);
    file.drop();
  });

  test('none if the run deletes the same', async () => {
    const { previewed, deleted, bounds } = await compare(tenants, expiring('items', Item));
    expect({ previewed, deleted, bounds }).toEqual({ previewed: 2, deleted: 2, bounds: [] });
  });
});
