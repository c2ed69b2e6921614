import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../../policy/expire-rows.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { runEngine } from '../../../support/engine.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz') },
});

describe('the schema of a SQLite file changes while a run is open', () => {
  let file: TestFile;

  beforeEach(() => {
    file = createFile(`
      create table device (id integer primary key, at datetime not null);
      create table part (id integer primary key, device_id integer references device on delete cascade);
      create index part_device on part (device_id);
      create table note (id integer primary key);
      insert into device values (1, '2020-01-01 00:00:00'), (2, '2020-01-01 00:00:00'), (3, '2020-01-01 00:00:00');
      insert into part select id, id from device;
      insert into note select id from device`);
  });
  afterEach(() => file.drop());

  /** Runs the pass in batches of one device; the schema changes after the first. */
  async function runWhile(change: string): Promise<string> {
    let batches = 0;
    const pass = expireRows({ name: 'old', entity: Device, age: 'at', olderThan: '1 day' });
    const policy = definePolicy({ name: 'devices', enabled: true, entities: [Device], passes: [pass] });
    return runEngine(file.url, policy, {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        if (batches === 1) file.execute(change);
      },
    }).then(
      () => 'completed',
      (error: Error) => error.message,
    );
  }

  test.each([
    ['a trigger', 'create trigger more before delete on part begin select raise(ignore); end'],
    [
      'a trigger whose table is written in another case',
      'create trigger more before delete on PART begin select raise(ignore); end',
    ],
    [
      'a trigger that deletes rows which a hold may name',
      'create trigger more after delete on part begin delete from note; end',
    ],
    [
      'a foreign key whose table is written in another case',
      'create table visit (id integer primary key, device_id integer references DEVICE on delete cascade)',
    ],
    [
      'a foreign key to what goes by cascade',
      'create table screw (id integer primary key, part_id integer references part on delete cascade)',
    ],
  ])('%s: the pass ends before the next batch', async (_, change) => {
    expect(await runWhile(change)).toMatch(/^the schema changed since the run started/);
    expect(['device', 'part', 'note'].map((table) => file.value(`select count(*) from ${table}`))).toEqual([
      2, 2, 3,
    ]);
  });

  test.each([
    ['the table has another name', 'machine', 'alter table device rename to machine'],
    ['the age has another name', 'device', 'alter table device rename at to made'],
    [
      'another column has the name of the age',
      'device',
      `alter table device rename at to made; alter table device add at datetime not null default '2020-01-01 00:00:00'`,
    ],
  ])('%s: the pass ends before the next batch', async (_, table, change) => {
    expect(await runWhile(change)).toMatch(/^the schema changed since the run started/);
    expect([table, 'part'].map((name) => file.value(`select count(*) from ${name}`))).toEqual([2, 2]);
  });

  test.each([
    ['a column', 'alter table device add note text'],
    [
      'a trigger that keeps nothing',
      'create trigger more after delete on part begin update note set id = id; end',
    ],
    ['an index', 'create index device_at on device (at)'],
    ['a table of its own', 'create table other (id integer primary key)'],
    ['a trigger on another table', 'create trigger more after delete on note begin delete from part; end'],
  ])('%s: the run goes on', async (_, change) => {
    expect(await runWhile(change)).toBe('completed');
    expect(file.value('select count(*) from device')).toBe(0);
  });
});
