import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { dropPartitions } from '../../../policy/drop-partitions.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { dropOld, Reading, readingsPolicy } from '../../support/readings.ts';
import { createFile } from '../../support/sqlite.ts';

const READING = 'create table reading (id integer not null, ts timestamptz not null, device integer';

describe('dropPartitions refuses', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows('create table device (id integer primary key, made timestamptz)');
  });
  afterEach(async () => database.drop());

  async function refusal(url = database.url, policy = readingsPolicy([dropOld()])): Promise<string> {
    return runEngine(url, policy).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );
  }

  test.each([
    ['a table without partitions', `${READING})`, 'is not partitioned, so that there is nothing to drop'],
    [
      'partitions by list',
      `${READING}) partition by list (ts)`,
      'is partitioned by list of something else than its age alone',
    ],
    ['another column', `${READING}) partition by range (id)`, 'table reading is partitioned by range of id'],
    ['several columns', `${READING}) partition by range (ts, id)`, 'is partitioned by range of ts, id'],
    [
      'an expression',
      `${READING}) partition by range (date_trunc('day', ts at time zone 'UTC'))`,
      'is partitioned by range of an expression',
    ],
    [
      'a foreign key that cascades',
      `${READING}, primary key (id, ts)) partition by range (ts);
       create table alarm (id integer, ts timestamptz, foreign key (id, ts) references reading on delete cascade)`,
      'a foreign key deletes or changes rows when a row of entity Reading that they reference is deleted',
    ],
    [
      'a foreign key that sets null, from a partitioned table',
      `${READING}, primary key (id, ts)) partition by range (ts);
       create table alarm (id integer, ts timestamptz, foreign key (id, ts) references reading on delete set null)
         partition by range (ts);
       create table alarm_1 partition of alarm default`,
      'table alarm_1',
    ],
    [
      'a foreign key to itself',
      `${READING}, before integer, primary key (id, ts), foreign key (before, ts) references reading)
         partition by range (ts);
       create table reading_1 partition of reading default`,
      'rows of entity Reading reference one another',
    ],
    [
      'a trigger on delete',
      `${READING}) partition by range (ts);
       create table reading_1 partition of reading for values from (minvalue) to ('2020-01-01');
       create function note() returns trigger language plpgsql as 'begin return null; end';
       create trigger noted after delete on reading_1 for each row execute function note()`,
      'has triggers on delete, and dropping a partition fires none',
    ],
  ])('%s', async (_, schema, why) => {
    await database.rows(schema);
    expect(await refusal()).toContain(why);
  });

  test('a role that does not own a partition, for a run and not for a preview', async () => {
    const role = `dropper_${database.name}`;
    await database.rows(`
      create role ${role} login password 'x';
      ${READING}) partition by range (ts);
      create table reading_1 partition of reading for values from (minvalue) to ('2020-01-01');
      alter table reading owner to ${role};
      grant create on database ${database.name} to ${role}`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'x';
    expect(await refusal(url.href)).toContain(
      'does not own the table of entity Reading and all of its partitions',
    );
    await database.rows(`alter table reading_1 owner to ${role}`);
    expect(await refusal(url.href)).not.toContain('does not own');
    // Who may read the whole table may not read its partitions by their own names.
    await database.rows(`
      alter table reading owner to postgres;
      alter table reading_1 owner to postgres;
      grant select on reading to ${role}`);
    const opened = await openDatabase(url.href);
    await expect(previewPolicy(opened, readingsPolicy([dropOld()]), ['old'])).rejects.toThrow(
      'may not select from each partition of entity Reading by its own name',
    );
    await database.rows(`grant select on reading_1 to ${role}`);
    expect(await previewPolicy(opened, readingsPolicy([dropOld()]), ['old'])).toMatchObject({ tables: [] });
    await opened.close();
    await database.rows(`drop owned by ${role}; drop role ${role}`);
  });

  test('an age that is no point in time, and a retention below an hour', async () => {
    await database.rows(`${READING}) partition by range (ts)`);
    const pass = { name: 'old', entity: Reading, olderThan: '30 days' } as const;
    expect(
      await refusal(database.url, readingsPolicy([dropPartitions({ ...pass, age: 'device' })])),
    ).toContain('which is no timestamp or date');
    const short = dropPartitions({ ...pass, age: 'ts', olderThan: '5 minutes' });
    expect(await refusal(database.url, readingsPolicy([short]))).toContain('Use at least one hour');
    expect(
      await refusal(database.url, readingsPolicy([dropPartitions({ ...short, allowShort: true })])),
    ).toBe('nothing refused');
  });

  test('SQLite, which has no partitions', async () => {
    const file = createFile('create table reading (id integer primary key, ts text, device integer)');
    expect(await refusal(file.url)).toContain('Only PostgreSQL has partitioned tables');
    file.drop();
  });
});
