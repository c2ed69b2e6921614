import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.text().primary(),
    at: p.datetime(),
    kept: p.integer().nullable(),
    mood: p.string().nullable(),
  },
});
const Post = defineEntity({
  name: 'Post',
  tableName: 'posts',
  properties: { id: p.integer().primary(), userId: p.text(), at: p.datetime() },
});

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase('template0');
});
afterEach(async () => database.drop());

const makePolicy = (...passes: Pass[]): ReturnType<typeof definePolicy> =>
  definePolicy({ name: 'p', enabled: true, entities: [], passes, limits: { maxPercent: 100 } });
const run = async (passes: Pass[], options: EngineOptions = {}): Promise<unknown> =>
  runAsPreviewed(database.url, makePolicy(...passes), options);
const refusal = async (...passes: Pass[]): Promise<string> =>
  runEngine(database.url, makePolicy(...passes)).then(
    () => 'nothing refused',
    (error: Error) => error.message,
  );
const ids = async (table: string): Promise<unknown[]> =>
  (await database.rows<{ id: unknown }>(`select id::text from ${table} order by id::text`)).map(
    ({ id }) => id,
  );

const unused = deleteUnreferenced({ name: 'unused', entity: User, age: 'at' });
const lost = deleteOrphans({ name: 'lost', entity: Post, by: 'userId', parent: User, age: 'at' });
const old = expireRows({ name: 'old', entity: User, age: 'at', olderThan: '30 days' });

describe('citext in a schema of its own', () => {
  beforeEach(async () => {
    await database.rows(`
      create schema ext;
      create extension citext schema ext;
      create table users (id ext.citext primary key, at timestamptz not null);
      create table posts (
        id integer primary key, user_id ext.citext not null references users on delete cascade, at timestamptz not null);
      create index on posts (user_id);
      insert into users values
        ('Ann', now() - interval '100 days'), ('Bob', now() - interval '100 days'), ('Eve', now());
      set search_path = public, ext;
      insert into posts values
        (1, 'ann', now() - interval '100 days'), (2, 'Eve', now() - interval '100 days'),
        (3, 'eve', now() - interval '100 days');
      set search_path = public`);
  });

  test.each<[string, Pass]>([
    ['unreferenced rows', unused],
    ['orphans', lost],
  ])('%s are refused if the search path does not find its operators', async (_, pass) => {
    const said = await refusal(pass);
    expect(said).toContain('the search path of the session does not find');
    expect(said).toContain('alter role ... set search_path');
    expect([await ids('users'), await ids('posts')]).toEqual([
      ['Ann', 'Bob', 'Eve'],
      ['1', '2', '3'],
    ]);
  });

  test('what goes by cascade is refused, since a hold could not keep it', async () => {
    const said = await refusal(old);
    expect(said).toContain('a foreign key to rows that go compares by an operator');
    expect(said).toContain('posts_user_id_fkey');
  });

  test('is compared as its foreign keys do if the search path finds it', async () => {
    await database.rows(`alter database ${database.name} set search_path = public, ext`);
    await run([unused, lost]);
    expect([await ids('users'), await ids('posts')]).toEqual([
      ['Ann', 'Eve'],
      ['1', '2', '3'],
    ]);
  });

  test('soft children of another spelling go with their row', async () => {
    await database.rows(`
      alter database ${database.name} set search_path = public, ext;
      alter table posts drop constraint posts_user_id_fkey`);
    const withPosts = { ...old, with: [softChild({ entity: Post, by: 'userId' })] };
    await run([withPosts]);
    expect([await ids('users'), await ids('posts')]).toEqual([['Eve'], ['2', '3']]);
  });
});

describe('a domain is taken as what it is made of:', () => {
  beforeEach(async () => {
    await database.rows(`
      create schema "Types";
      create domain created as timestamptz;
      create domain "Types"."Made At" as created check (value > '-infinity');
      create domain row_id as uuid;
      create domain days_kept as integer check (value >= 0);
      create domain "timestamp_odd" as integer;
      create table users (id row_id primary key, at "Types"."Made At" not null, kept days_kept, mood timestamp_odd);
      create table posts (id integer primary key, user_id uuid, at created not null);
      create index on users (at);
      create index on posts (user_id);
      insert into users
        select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now() - n * interval '1 day', 50, n
        from generate_series(1, 60) as n;
      insert into posts select row_number() over (order by id), id, at from users;
      insert into posts values (100, '00000000-0000-0000-0000-000000000100', now() - interval '40 days'),
        (101, '00000000-0000-0000-0000-000000000101', now())`);
  });

  test.each(['by-location', 'by-age'] as const)('an age of a domain over a domain, %s', async (scan) => {
    await run([old], { scan, size: 7 });
    expect(await ids('users')).toHaveLength(29);
  });

  test.each(['by-location', 'by-parent-key'] as const)(
    'a key of a domain and one of its base, %s',
    async (scan) => {
      await run([lost], { scan });
      expect(await ids('posts')).toHaveLength(61);
      expect(await database.value('select count(*) from posts where id = 100')).toBe(0);
    },
  );

  test('soft children', async () => {
    await run([{ ...old, with: [softChild({ entity: Post, by: 'userId' })] }]);
    expect([(await ids('users')).length, (await ids('posts')).length]).toEqual([29, 31]);
  });

  test('a number of days', async () => {
    await run([{ ...old, olderThan: { column: 'kept', unit: 'days', default: null } }]);
    expect(await ids('users')).toHaveLength(49);
  });

  test('but not by its name', async () => {
    const said = await refusal({ ...old, age: ['mood'] });
    expect(said).toContain('age names User.mood, which is no timestamp or date in this database');
    expect(said).toContain('its type is integer');
  });
});

test.each(['"Types"."Row Id"', '"Types"."Kind"'])(
  'a key of type %s, with capitals in its name',
  async (type) => {
    const key = type.includes('Kind') ? `('K' || n)::${type}` : `n::${type}`;
    await database.rows(`
    create schema "Types";
    create domain "Types"."Row Id" as text;
    create type "Types"."Kind" as enum ('K1', 'K2', 'K3', 'K4', 'K5', 'K6');
    create table users (id ${type} primary key, at timestamptz not null, kept integer, mood text);
    create table posts (id integer primary key, user_id ${type}, at timestamptz not null);
    create index on posts (user_id);
    insert into users select ${key}, now() - n * interval '9 days' from generate_series(1, 6) as n;
    insert into posts select n, ${key}, now() - interval '40 days' from generate_series(1, 6) as n`);
    const held = type.includes('Kind') ? 'K6' : '6';
    const opened = await openDatabase(database.url);
    const withPosts = { ...old, with: [softChild({ entity: Post, by: 'userId' })] };
    const request = { entity: 'User', rows: { key: held }, reason: 'x', who: 'me', until: null };
    await addHold(opened, makePolicy(withPosts), request);
    const explained = await explainRow(opened, makePolicy(withPosts), 'User', held);
    expect(explained.passes[0]?.reasons.map(({ why }) => why)).toEqual(['held']);
    await opened.close();
    expect(await run([withPosts])).toEqual({ old: { users: 2, posts: 2 } });
    expect(await ids('posts')).toEqual(['1', '2', '3', '6']);
    await database.rows(`delete from users where at > now() - interval '10 days'`);
    expect(await run([lost])).toEqual({ lost: { posts: 1 } });
  },
);

test.each(['timestamptz[]', 'tstzrange', 'timestamptz_like'])(
  'an age of type %s is refused by its type',
  async (type) => {
    await database.rows(`
    create domain timestamptz_like as text;
    create table users (id text primary key, at ${type}, kept integer, mood text)`);
    const said = await refusal(old);
    expect(said).toContain('age names User.at, which is no timestamp or date in this database');
  },
);

describe('rows of tables that inherit from one that is reached by cascade', () => {
  beforeEach(async () => {
    await database.rows(`
      create table users (id text primary key, at timestamptz not null);
      create table lines (id integer, user_id text references users on delete cascade);
      create table lines_archive () inherits (lines);
      create index on lines (user_id);
      create index on lines_archive (user_id);
      insert into users values ('old', now() - interval '100 days'), ('young', now());
      insert into lines select n, 'old' from generate_series(1, 50) as n;
      insert into lines_archive select n, 'young' from generate_series(1, 50) as n;
      insert into lines_archive select n, 'old' from generate_series(51, 60) as n`);
  });

  test.each<[string, EngineOptions]>([
    ['go as the foreign key says', {}],
    ['stay when their row is emptied in parts', { lockFirst: true, size: 7 }],
  ])('%s', async (_, options) => {
    const report = await run([old], options);
    expect(report).toEqual({ old: { users: 1, lines: 50 } });
    expect(await database.value('select count(*) from only lines')).toBe(0);
    expect(await database.value('select count(*) from lines_archive')).toBe(60);
  });

  test('do not count as references', async () => {
    await database.rows('delete from only lines');
    await run([unused]);
    expect(await ids('users')).toEqual(['young']);
  });
});

test('tables whose labels would be alike are told apart', async () => {
  await database.rows(`
    create schema arch;
    create table users (id text primary key, at timestamptz not null);
    create table "arch.posts" (id integer primary key, user_id text references users on delete cascade);
    create table arch.posts (id integer primary key, user_id text references users on delete cascade);
    insert into users values ('a', now() - interval '100 days'), ('b', now());
    insert into "arch.posts" values (1, 'a'), (2, 'b');
    insert into arch.posts values (1, 'a'), (2, 'a'), (3, 'b')`);
  expect(await run([old])).toEqual({ old: { users: 1, '"arch.posts"': 1, 'arch.posts': 2 } });
});

test('a table of the same name in a schema that the search path finds first is not meant', async () => {
  const Other = defineEntity({
    name: 'Other',
    schema: 'arch',
    tableName: 'users',
    properties: { id: p.text().primary(), at: p.datetime() },
  });
  await database.rows(`
    create schema arch;
    create table users (id text primary key, at timestamptz not null);
    create table arch.users (id text primary key, at timestamptz not null);
    insert into users values ('a', now() - interval '100 days'), ('b', now());
    insert into arch.users table users`);
  const pass = expireRows({ name: 'other', entity: Other, age: 'at', olderThan: '30 days' });
  expect(await run([pass])).toEqual({ other: { 'arch.users': 1 } });
  expect(await ids('users')).toEqual(['a', 'b']);
});
