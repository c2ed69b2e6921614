import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { waitFor } from '../../support/wait.ts';

const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), at: p.datetime() },
});

const OLD = 40;

// Forty old devices and one of today, with parts, and readings in partitions.
const SCHEMA = `
  create table device (id integer primary key, at timestamptz not null);
  create table part (id integer primary key, device_id integer not null references device on delete cascade);
  create table reading (day date not null, device_id integer not null references device on delete cascade) partition by range (day);
  create table reading_november partition of reading for values from ('2026-11-01') to ('2026-12-01');
  create table empty_series (day date not null, device_id integer not null references device on delete cascade)
    partition by range (day);
  create table other (id integer primary key);
  insert into device select n, now() - interval '9 days' from generate_series(1, ${OLD}) as n union all select 100, now();
  insert into part select n, n from generate_series(1, ${OLD}) as n;
  insert into reading select '2026-11-05', n from generate_series(1, ${OLD}) as n;
  create index on part (device_id);
  create index on reading (device_id);
  create function known() returns trigger language plpgsql as 'begin return null; end';
  create trigger known after delete on part for each row execute function known()`;

/** New partitions of tables that a foreign key reaches: their rows are counted from then on. */
const PARTITIONS = {
  reading_december: `
    create table reading_december partition of reading for values from ('2026-12-01') to ('2027-01-01');
    insert into reading select '2026-12-05', id from device`,
  // Of a partition that has partitions itself.
  reading_january_a: `
    create table reading_january partition of reading for values from ('2027-01-01') to ('2027-02-01')
      partition by hash (device_id);
    create table reading_january_a partition of reading_january for values with (modulus 1, remainder 0);
    insert into reading select '2027-01-05', id from device`,
} as const;

/** What makes a delete of devices reach other rows than before. */
const CHANGES = {
  'a foreign key that cascades': `
    create table visit (id integer primary key, device_id integer references device on delete cascade);
    insert into visit select id, id from device`,
  'a foreign key to what goes by cascade': `
    create table screw (id integer primary key, part_id integer references part on delete cascade);
    insert into screw select id, id from part`,
  'a trigger': `
    create function nothing() returns trigger language plpgsql as 'begin return null; end';
    create trigger keep before delete on part for each row execute function nothing()`,
  'triggers that are disabled': 'alter table device disable trigger all',
  'another function that keeps rows, under the same trigger': `
    create trigger known_before before delete on part for each row execute function known()`,
  'a rule': 'create rule keep as on delete to part do instead nothing',
  // Its foreign key reached no rows before.
  'the first partition of a table that had none': `
    create table series_december partition of empty_series for values from ('2026-12-01') to ('2027-01-01');
    insert into empty_series select '2026-12-05', id from device`,
} as const;

/** What changes nothing about it. */
const HARMLESS = {
  // A foreign key reaches the rows of its own table only.
  'a table that inherits': 'create table heir () inherits (part)',
  'a trigger that lets rows go': `
    create function leave() returns trigger language plpgsql as 'begin return old; end';
    create trigger leave before delete on part for each row execute function leave()`,
  'a trigger after the delete': `
    create function nothing() returns trigger language plpgsql as 'begin return null; end';
    create trigger count after delete on device for each row execute function nothing()`,
  'another function under the same trigger': `
    create or replace function known() returns trigger language plpgsql as 'begin perform 1; return null; end'`,
  'a foreign key that is set to null': `
    create table visit (id integer primary key, device_id integer references device on delete set null);
    insert into visit select id, id from device`,
  'an index': 'create index on device (at)',
  'a column': 'alter table device add column note text',
  'a table of its own': 'create table another (id integer primary key references other on delete cascade)',
  'a rewrite of the table': 'cluster device using device_pkey',
} as const;

/** What makes something else of names and values that the run looked up. */
const RENAMED = {
  'the age is a date, which says a day less than an instant': 'alter table device alter at type date',
  'the age says no time zone': 'alter table device alter at type timestamp',
  'another column has the name of the age': `
    alter table device rename at to made;
    alter table device rename seen to at`,
  'the age has another name': 'alter table device rename at to made',
  'a foreign key is in another column by then': `
    alter table part rename device_id to owner_id;
    alter table part rename other_id to device_id`,
  'a foreign key that forbids a delete is in a column with another name':
    'alter table bill rename device_id to owner_id',
  'the table has another name': 'alter table device rename to machine',
  'another table has its name': `
    alter table device rename to machine;
    create table device (like machine including all);
    insert into device select * from machine;
    alter table part drop constraint part_device_id_fkey, add foreign key (device_id) references device on delete cascade;
    alter table reading drop constraint reading_device_id_fkey, add foreign key (device_id) references device on delete cascade;
    alter table empty_series drop constraint empty_series_device_id_fkey, add foreign key (device_id) references device on delete cascade`,
} as const;

describe('the schema changes while a run is open', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(SCHEMA);
  });
  afterEach(async () => database.drop());

  const expiring = expireRows({ name: 'old', entity: Device, age: 'at', olderThan: '1 day' });

  /** Runs the pass in batches of one device; the schema changes after the third. */
  async function runWhile(change: string, pass: Pass = expiring): Promise<string> {
    let batches = 0;
    const policy = definePolicy({
      name: 'devices',
      enabled: true,
      entities: [Device],
      batchSize: 1,
      shards: 1,
      passes: [pass],
    });
    return runEngine(database.url, policy, {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        if (batches === 3) await database.rows(change);
      },
    }).then(
      () => 'completed',
      (error: Error) => error.message,
    );
  }

  async function count(table: string): Promise<number> {
    return database.value(`select count(*) from ${table}`);
  }

  async function sumDeleted(table: string): Promise<number> {
    return database.value(`select sum((deleted ->> '${table}')::int) from vacuum.batch`);
  }

  test.each(Object.entries(CHANGES))('%s: the pass ends before the next batch', async (_, change) => {
    expect(await runWhile(change)).toMatch(
      /^the schema changed since the run started, .* of device or of .* \(part, reading_november\).*Start a new run/,
    );
    // Three batches of one device each, and nothing that the run did not know of.
    expect(await count('device')).toBe(OLD + 1 - 3);
    expect(await count('part')).toBe(OLD - 3);
    expect(await database.value(`select count(*) from reading where day < '2026-12-01'`)).toBe(OLD - 3);
    expect(await database.value('select sum(rows) from vacuum.batch')).toBe(9);
  });

  test.each(Object.entries(RENAMED))('%s: the pass ends before the next batch', async (_, change) => {
    // Not old yet: by a day, by hours, and by another column.
    await database.rows(`
      alter table device add seen timestamptz not null default '2020-01-01';
      create table bill (id integer primary key, device_id integer references device);
      alter table part add other_id integer references device on delete set null;
      insert into device (id, at) values (101, now() - interval '20 hours'), (102, now() - interval '12 hours')`);
    expect(await runWhile(change)).toMatch(/^the schema changed since the run started, .*Start a new run/);
    const table = change.includes('to machine') ? 'machine' : 'device';
    expect(await count(table)).toBe(OLD + 3 - 3);
    expect(await count('part')).toBe(OLD - 3);
    expect(await database.value('select sum(rows) from vacuum.batch')).toBe(9);
  });

  test.each(Object.entries(PARTITIONS))(
    'a partition, %s: the run goes on and counts it',
    async (table, change) => {
      expect(await runWhile(change)).toBe('completed');
      expect(await count('device')).toBe(1);
      // The row of the young device.
      expect(await count(table)).toBe(1);
      expect(await sumDeleted(table)).toBe(OLD - 3);
      const stored = await database.value<readonly { readonly label: string }[]>(
        `select stored -> 'counted' from vacuum.pass`,
      );
      expect(stored.map(({ label }) => label)).toContain(table);
    },
  );

  test('a partition that is dropped while another is there: the run goes on', async () => {
    await database.rows(PARTITIONS.reading_december);
    expect(await runWhile('drop table reading_november')).toBe('completed');
    expect([await count('device'), await count('part'), await count('reading_december')]).toEqual([1, 0, 1]);
  });

  test.each([
    [
      'a trigger',
      'create trigger keep before delete on reading_december for each row execute function known()',
    ],
    ['a rule', 'create rule keep as on delete to reading_december do instead nothing'],
    [
      'a foreign key to it',
      `alter table reading_december add unique (device_id, day);
       create table remark (device_id integer, day date,
         foreign key (device_id, day) references reading_december (device_id, day) on delete cascade)`,
    ],
  ])('a partition with %s of its own: the pass ends', async (_, more) => {
    expect(await runWhile(`${PARTITIONS.reading_december}; ${more}`)).toContain('the schema changed');
    expect(await count('device')).toBe(OLD + 1 - 3);
    expect(await count('reading_december')).toBe(OLD - 3 + 1);
  });

  test('a partition, while references are counted: its rows keep what they name', async () => {
    await database.rows(`
      delete from part; delete from reading; drop table reading; drop table empty_series;
      create table reading (day date not null, device_id integer not null references device) partition by range (day);
      create table reading_november partition of reading for values from ('2026-11-01') to ('2026-12-01');
      create index on reading (device_id)`);
    const unused = deleteUnreferenced({ name: 'unused', entity: Device, age: 'at' });
    const change = `
      create table reading_december partition of reading for values from ('2026-12-01') to ('2027-01-01');
      insert into reading select '2026-12-05', id from device where id > 30`;
    expect(await runWhile(change, unused)).toBe('completed');
    expect(await count('device')).toBe(OLD - 30 + 1);
  });

  test('a partition that becomes a table of its own, with its foreign key: the pass ends', async () => {
    expect(await runWhile('alter table reading detach partition reading_november')).toContain(
      'the schema changed',
    );
    expect(await count('reading_november')).toBe(OLD - 3);
  });

  test('no row of a new table is lost uncounted, and a new run counts it', async () => {
    await runWhile(CHANGES['a foreign key that cascades']);
    expect(await count('visit')).toBe(OLD - 3 + 1);
    await database.rows('update vacuum.run set ended_at = now()');
    expect(await runWhile('select 1')).toBe('completed');
    expect(await count('visit')).toBe(1);
    expect(await sumDeleted('visit')).toBe(OLD - 3);
  });

  test.each(Object.entries(HARMLESS))('%s: the run goes on', async (_, change) => {
    expect(await runWhile(change)).toBe('completed');
    const rest = await count('part');
    // A rewrite may put rows behind the scan; the next run finds them.
    expect(rest).toBeLessThan(OLD - 3);
    expect(await count('device')).toBe(rest + 1);
    expect(await sumDeleted('device')).toBe(OLD - rest);
  });

  test('a run that went on knows the change by then, and ends at the next one that is not harmless', async () => {
    await runWhile(HARMLESS['a trigger after the delete']);
    const stored = await database.value(`select stored ->> 'fingerprint' from vacuum.pass`);
    await database.rows(
      `update vacuum.run set ended_at = now(); insert into device select n, now() - interval '9 days' from generate_series(200, 209) as n`,
    );
    expect(await runWhile(CHANGES['a rule'])).toContain('the schema changed');
    expect(await database.value(`select stored ->> 'fingerprint' from vacuum.pass where run_id = 2`)).toBe(
      stored,
    );
    expect(await count('device')).toBe(8);
  });

  test('a run whose policy is another one by then does not go on', async () => {
    const policy = definePolicy({ name: 'devices', enabled: true, entities: [Device], passes: [expiring] });
    const other = definePolicy({
      ...policy,
      passes: [
        expireRows({
          name: 'old',
          entity: Device,
          age: 'at',
          olderThan: '1 day',
          where: { id: { $gt: 20 } },
        }),
      ],
    });
    let batches = 0;
    const run = runEngine(database.url, policy, {
      size: 1,
      live: other,
      afterBatch: async () => {
        batches += 1;
        if (batches === 3) await database.rows(HARMLESS['a trigger after the delete']);
      },
    });
    await expect(run).rejects.toThrow('the schema changed');
    expect(await count('device')).toBe(OLD + 1 - 3);
  });

  test('a row that is pointed at from a new table stays, whatever kind of pass it is of', async () => {
    await database.rows('delete from part; delete from reading');
    const unused = deleteUnreferenced({ name: 'unused', entity: Device, age: 'at' });
    expect(await runWhile(CHANGES['a foreign key that cascades'], unused)).toContain('the schema changed');
    expect(await count('device')).toBe(OLD + 1 - 3);
    expect(await count('visit')).toBe(OLD + 1 - 3);
  });

  test('a foreign key that is made while a batch is at work undoes that batch', async () => {
    // The delete waits in a trigger, with no lock on parts yet.
    await database.rows(`
      create function wait() returns trigger language plpgsql as
        'begin while not pg_try_advisory_xact_lock(4711) loop perform pg_sleep(0.01); end loop; return null; end';
      create trigger wait before delete on device for each statement execute function wait()`);
    const client = await database.pool.connect();
    try {
      await client.query('select pg_advisory_lock(4711)');
      const run = runWhile('select 1');
      await waitFor('the batch to wait', async () =>
        database.value<boolean>(
          `select exists (
            select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')`,
        ),
      );
      await database.rows(CHANGES['a foreign key to what goes by cascade']);
      await client.query('select pg_advisory_unlock(4711)');
      expect(await run).toContain('The batch was rolled back');
    } finally {
      client.release();
    }
    expect([await count('device'), await count('screw')]).toEqual([OLD + 1, OLD]);
  });
});
