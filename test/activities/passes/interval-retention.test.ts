import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Realm = defineEntity({
  name: 'Realm',
  properties: { id: p.integer().primary(), kept: p.string().nullable(), seconds: p.bigint().nullable() },
});
const Event = defineEntity({
  name: 'Event',
  properties: { id: p.integer().primary(), realmId: p.integer(), at: p.datetime() },
});

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  // Of each realm one event that is a minute past its retention, and one that is a minute short of it.
  await database.rows(`
    create table realm (id int primary key, kept interval, seconds bigint);
    create table event (id int primary key, realm_id int not null, at timestamptz not null);
    insert into realm values
      (1, '90 days', 7776000), (2, '1 month', null), (3, '3 hours', 10800), (4, null, null), (5, '-1 day', -1), (6, '0', 0),
      (7, '170000000 years', 9223372036854775807);
    insert into event
    select id * 10 + n, id, now() - coalesce(case when id < 4 then kept end, '400 days') + (n * 2 - 1) * interval '1 minute'
    from realm, generate_series(0, 1) as n`);
});
afterEach(async () => database.drop());

const policyWith = (column: string, unit: string, more: object = {}): Policy =>
  definePolicy({
    name: 'p',
    enabled: true,
    entities: [Event, Realm],
    passes: [
      expireRows({
        name: 'events',
        entity: Event,
        age: 'at',
        olderThan: { parent: Realm, by: 'realmId', column, unit, default: null },
        ...more,
      } as never),
    ],
  });
const gone = async (): Promise<number[]> => {
  const rows = await database.rows<{ id: number }>('select id from event');
  return [1, 2, 3, 4, 5, 6, 7]
    .flatMap((id) => [id * 10, id * 10 + 1])
    .filter((id) => !rows.some((row) => row.id === id));
};

test('an interval counts by the calendar; none, a negative one and one of nothing keep their rows', async () => {
  await runAsPreviewed(database.url, policyWith('kept', 'interval'));
  expect(await gone()).toEqual([10, 20, 30]);
});

test('with allowShort one of nothing expires its rows', async () => {
  await runAsPreviewed(database.url, policyWith('kept', 'interval', { allowShort: true }));
  expect(await gone()).toEqual([10, 20, 30, 60, 61]);
});

test('seconds count as they are', async () => {
  await runAsPreviewed(database.url, policyWith('seconds', 'seconds'));
  expect(await gone()).toEqual([10, 30]);
});

test.each([
  ['kept', 'interval'],
  ['seconds', 'seconds'],
])('%s of more than 2,000 years keep rows of any age', async (column, unit) => {
  await database.rows(`insert into event values (72, 7, '4000-01-01 BC'), (73, 7, '-infinity')`);
  await runAsPreviewed(database.url, policyWith(column, unit));
  expect(await database.rows('select id from event where realm_id = 7 order by id')).toEqual(
    [70, 71, 72, 73].map((id) => ({ id })),
  );
});

test('a number is no interval, and an interval no number', async () => {
  await expect(runAsPreviewed(database.url, policyWith('seconds', 'interval'))).rejects.toThrow(
    'which is no interval',
  );
  await expect(runAsPreviewed(database.url, policyWith('kept', 'days'))).rejects.toThrow(
    `as unit: 'interval'`,
  );
});
