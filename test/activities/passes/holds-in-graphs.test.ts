import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import type { HoldRequest } from '../../../activities/inspect/add-hold.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Team = defineEntity({ name: 'Team', properties: { id: p.integer().primary(), at: p.datetime() } });
const Person = defineEntity({
  name: 'Person',
  properties: { id: p.integer().primary(), at: p.datetime(), teamId: p.integer().nullable() },
});
const Letter = defineEntity({ name: 'Letter', properties: { id: p.integer().primary() } });
const Sheet = defineEntity({
  name: 'Sheet',
  properties: { id: p.integer().primary(), text: p.string().nullable() },
});
const Remark = defineEntity({
  name: 'Remark',
  properties: { id: p.integer().primary(), at: p.datetime(), text: p.string().nullable() },
});

// What goes along by cascade is no tree here: letters have two foreign keys to persons, and remarks one to themselves.
describe('rows held where cascades meet, or come back', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table team (id integer primary key, at timestamptz not null);
      create table person (id integer primary key, at timestamptz not null, team_id integer);
      create table letter (
        id integer primary key,
        sender_id integer references person on delete cascade,
        receiver_id integer references person on delete cascade);
      create table sheet (id integer primary key, letter_id integer references letter on delete cascade, text text);
      create table remark (
        id integer primary key, at timestamptz not null, text text,
        parent_id integer references remark on delete cascade)`);
  });
  afterEach(async () => database.drop());

  const makePolicy = (pass: Pass): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [Team, Person, Letter, Sheet, Remark],
      passes: [pass],
    });

  async function hold(policy: Policy, entity: string, rows: HoldRequest['rows']): Promise<void> {
    const open = await openDatabase(database.url);
    await addHold(open, policy, { entity, rows, reason: 'a lawsuit', who: 'ann', until: null });
    await open.close();
  }

  async function ids(table: string): Promise<number[]> {
    const rows = await database.rows<{ id: number }>(`select id from ${table} order by id`);
    return rows.map(({ id }) => id);
  }

  /** Persons 1 to 6 of teams of the same number: odd ones sent, even ones received a letter with two sheets, 10n and 10n + 1. */
  async function write(): Promise<void> {
    await database.rows(`
      insert into team select n, now() - interval '9 days' from generate_series(1, 6) as n;
      insert into person select n, now() - interval '9 days', n from generate_series(1, 6) as n;
      insert into letter
      select n, case when n % 2 = 1 then n end, case when n % 2 = 0 then n end from generate_series(1, 6) as n;
      insert into sheet select 10 * n + k, n, 'x' from generate_series(1, 6) as n, generate_series(0, 1) as k`);
  }

  /** Two threads of remarks, 1 to 5 and 11 to 15: each is the parent of the next, and only the first is old. */
  async function remark(): Promise<void> {
    await database.rows(`
      insert into remark
      select 10 * k + n, now() - case when n = 1 then interval '9 days' else '0' end, 'x', nullif(10 * k + n - 1, 10 * k)
      from generate_series(0, 1) as k, generate_series(1, 5) as n`);
  }

  const oldPersons = expireRows({ name: 'persons', entity: Person, age: 'at', olderThan: '1 day' });
  const oldRemarks = expireRows({ name: 'remarks', entity: Remark, age: 'at', olderThan: '1 day' });

  test.each([{}, { lockFirst: true, size: 1 }])('stay whichever way leads to them: %j', async (options) => {
    await write();
    const policy = makePolicy(oldPersons);
    await hold(policy, 'Sheet', { key: '10' });
    await hold(policy, 'Sheet', { key: '21' });
    await hold(policy, 'Sheet', { filter: { text: 'proof' } });
    await database.rows(`update sheet set text = 'proof' where id = 40`);
    await runAsPreviewed(database.url, policy, options);
    expect(await ids('person')).toEqual([1, 2, 4]);
    expect(await ids('sheet')).toEqual([10, 11, 20, 21, 40, 41]);
  });

  test.each([{}, { lockFirst: true, size: 1 }])('also below a soft child: %j', async (options) => {
    await write();
    const policy = makePolicy(
      expireRows({
        name: 'teams',
        entity: Team,
        age: 'at',
        olderThan: '1 day',
        with: [softChild({ entity: Person, by: 'teamId' })],
      }),
    );
    await hold(policy, 'Sheet', { key: '20' });
    await runAsPreviewed(database.url, policy, options);
    expect(await ids('team')).toEqual([2]);
    expect(await ids('person')).toEqual([2]);
    expect(await ids('sheet')).toEqual([20, 21]);
  });

  test('stay where the rows that go along are in partitions', async () => {
    await write();
    await database.rows(`
      drop table sheet;
      create table sheet (
        id integer primary key, letter_id integer references letter on delete cascade, text text) partition by range (id);
      create table sheet_1 partition of sheet for values from (0) to (30) partition by range (id);
      create table sheet_1a partition of sheet_1 for values from (0) to (30);
      create table sheet_2 partition of sheet for values from (30) to (100);
      insert into sheet select 10 * n, n, case n when 5 then 'proof' end from generate_series(1, 6) as n`);
    const policy = makePolicy(oldPersons);
    await hold(policy, 'Sheet', { key: '20' });
    await hold(policy, 'Sheet', { filter: { text: 'proof' } });
    await runAsPreviewed(database.url, policy);
    expect(await ids('sheet')).toEqual([20, 50]);
    expect(await ids('person')).toEqual([2, 5]);
  });

  test.each<[string, HoldRequest['rows']]>([
    ['a key', { key: '5' }],
    ['a filter', { filter: { text: 'proof' } }],
  ])('stay however far down in their own table: %s', async (_, rows) => {
    await remark();
    await database.rows(`update remark set text = 'proof' where id = 5`);
    const policy = makePolicy(oldRemarks);
    await hold(policy, 'Remark', rows);
    await runAsPreviewed(database.url, policy);
    expect(await ids('remark')).toEqual([1, 2, 3, 4, 5]);
  });

  test('stay where the foreign key of the first step is the only one that does not count', async () => {
    await remark();
    await database.rows(`create table reader (remark_id integer references remark)`);
    const policy = makePolicy(
      deleteUnreferenced({ name: 'unread', entity: Remark, age: 'at', ignore: [Remark] }),
    );
    await hold(policy, 'Remark', { key: '5' });
    await runAsPreviewed(database.url, policy);
    expect(await ids('remark')).toEqual([1, 2, 3, 4, 5]);
  });
});
