import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), made: p.datetime(), plan: p.integer().nullable() },
});
const reading = { id: p.integer().primary(), ts: p.datetime(), device: p.integer() };
const Reading = defineEntity({ name: 'Reading', properties: reading });
const ReadingOld = defineEntity({ name: 'ReadingOld', properties: reading });
const ReadingNew = defineEntity({ name: 'ReadingNew', properties: reading });
const Plan = defineEntity({
  name: 'Plan',
  properties: { id: p.integer().primary(), name: p.string(), days: p.integer() },
});

/** Readings of the devices 1 to 4 lie in the old partition, of 5 to 8 in the new one; devices 9 to 12 have none. */
const SCHEMA = `
  create table device (id integer primary key, made timestamptz, plan integer);
  insert into device select n, now() - interval '20 days', n from generate_series(1, 12) as n;
  create table reading (id integer not null, ts timestamptz not null, device integer, primary key (id, ts)) partition by range (ts);
  create table reading_old partition of reading for values from (minvalue) to ('2020-01-01');
  create table reading_new partition of reading for values from ('2020-01-01') to (maxvalue);
  insert into reading select n, '2019-06-01', n from generate_series(1, 4) as n;
  insert into reading select n, now() - interval '1 day', n from generate_series(5, 8) as n;
  create index on reading (device);
  create table plan (id integer primary key, name text, days integer) partition by hash (id);
  create table plan_even partition of plan for values with (modulus 2, remainder 0);
  create table plan_odd partition of plan for values with (modulus 2, remainder 1);
  insert into plan select n, 'plan', case when n < 4 then 30 else 10 end from generate_series(1, 6) as n;
  analyze`;

describe('partitioned tables that are only read', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(SCHEMA);
  });
  afterEach(async () => database.drop());

  function makePolicy(...passes: readonly Pass[]): Policy {
    const entities = [Device, Reading, ReadingOld, ReadingNew, Plan];
    return definePolicy({ name: 'p', enabled: true, entities, passes: [...passes] });
  }

  async function devices(): Promise<number[]> {
    const rows = await database.rows<{ id: number }>('select id from device order by id');
    return rows.map(({ id }) => id);
  }

  const unused = deleteUnreferenced({
    name: 'unused',
    entity: Device,
    age: 'made',
    references: [softReference({ entity: Reading, by: 'device' })],
  });
  const old = expireRows({
    name: 'old',
    entity: ReadingOld,
    age: 'ts',
    olderThan: '100 days',
    where: { id: { $lt: 3 } },
    allowNewest: true,
  });

  test('rows of all partitions keep what they reference', async () => {
    await runAsPreviewed(database.url, makePolicy(unused));
    expect(await devices()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('rows that an earlier pass deletes from one partition keep nothing, by the preview too', async () => {
    // A row of the new partition lies at the same place as a deleted one of the old partition, and keeps its device.
    await runAsPreviewed(database.url, makePolicy(old, unused));
    expect(await devices()).toEqual([3, 4, 5, 6, 7, 8]);
    expect(await database.value('select count(*) from reading')).toBe(6);
  });

  test('a parent in any partition is a parent', async () => {
    const lost = deleteOrphans({ name: 'lost', entity: Device, by: 'plan', parent: Plan, age: 'made' });
    await runAsPreviewed(database.url, makePolicy(lost));
    expect(await devices()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a parent in any partition has the retention of its rows', async () => {
    const olderThan = { parent: Plan, by: 'plan', column: 'days', unit: 'days', default: null } as const;
    await runAsPreviewed(
      database.url,
      makePolicy(expireRows({ name: 'old', entity: Device, age: 'made', olderThan, allowNewest: true })),
    );
    expect(await devices()).toEqual([1, 2, 3, 7, 8, 9, 10, 11, 12]);
  });

  test('a foreign key of the whole says which column its rows name', async () => {
    // Reading 1 names device 12.
    await database.rows(`
      alter table device add serial integer unique;
      update device set serial = 13 - id;
      alter table reading add foreign key (device) references device (serial) on delete no action;
      update device set plan = null where id in (9, 10)`);
    const olderThan = { parent: Device, by: 'device', column: 'plan', unit: 'days', default: null } as const;
    const deleted = await runAsPreviewed(
      database.url,
      makePolicy(
        expireRows({ name: 'readings', entity: Reading, age: 'ts', olderThan }),
        deleteUnreferenced({
          name: 'devices',
          entity: Device,
          age: 'made',
          grace: '10 days',
          references: [softReference({ entity: Reading, by: 'device' })],
        }),
      ),
    );
    expect(deleted).toEqual({ readings: { reading: 2 }, devices: { device: 6 } });
    expect(await database.rows('select id from reading where id <= 4 order by id')).toEqual([
      { id: 3 },
      { id: 4 },
    ]);
    expect(await devices()).toEqual([5, 6, 7, 8, 9, 10]);
  });

  test('one that is deleted from is refused, with the way that there is', async () => {
    const whole = deleteUnreferenced({ name: 'unused', entity: Reading, age: 'ts', references: [] });
    await expect(runEngine(database.url, makePolicy(whole))).rejects.toThrow(
      'Name the entity of an ordinary table, or one whose table is a single partition',
    );
    const last = expireRows({
      name: 'old',
      entity: ReadingNew,
      age: 'ts',
      olderThan: '100 days',
      keepLast: { count: 1, per: ['device'] },
    });
    await expect(runEngine(database.url, makePolicy(last))).rejects.toThrow(
      'by which the list of the rows that keepLast keeps could name them. Leave keepLast out',
    );
    expect(await database.value('select count(*) from reading')).toBe(8);
  });
});
