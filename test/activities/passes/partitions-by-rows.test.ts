import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { InferEntity } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { readCurrentBacklogs } from '../../../activities/inspect/current-backlog.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import {
  LOOK_UP_LIMITS,
  readPolicyCatalog,
  readPolicyEntities,
} from '../../../activities/plan/resolve-policy.ts';
import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { describeNeeding } from '../../support/needing.ts';
import { OLDER_POSTGRESQL, postgresql } from '../../support/parts/bring.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { programsIn } from '../../support/postgres/programs.ts';
import { createReadings, dropOld, Reading, readingsPolicy, readPartitions } from '../../support/readings.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { runAsPreviewed } from '../../support/truth.ts';
import { vacuum } from '../../support/vacuum.ts';

/** Where the horizon lies in partition 3; rows of partition 1 and 2 are older, and 4 of partition 3. */
function oldRows(options: Partial<ExpireRowsOptions<InferEntity<typeof Reading>>> = {}): Pass {
  return expireRows({ name: 'rows', entity: Reading, age: 'ts', olderThan: '35 days', ...options });
}

/** Rows on both sides of the horizon: 801 and 802 in the partition that it lies in, 803 and 804 in the default one. */
const AROUND = `
  insert into reading values
    (801, now() - interval '35 days 1 second', 1), (802, now() - interval '34 days 23 hours', 1);
  drop table reading_1;
  insert into reading values (803, now() - interval '100 days', 1), (804, now() + interval '200 days', 1);
  analyze`;

async function ids(database: TestDatabase): Promise<number[]> {
  const rows = await database.rows<{ id: number }>('select id from reading order by id');
  return rows.map(({ id }) => id);
}

const numbers = (hundred: number): number[] => Array.from({ length: 10 }, (_, n) => hundred * 100 + n + 1);
const YOUNG = [...numbers(3), ...numbers(4), ...numbers(5), 601, 802, 804];

describeNeeding(['temporal'], 'expireRows over a partitioned table', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createReadings();
    await database.rows(AROUND);
  });
  afterEach(async () => database.drop());

  test('deletes old rows of all partitions, and the rest of the one that the horizon lies in', async () => {
    expect(await runAsPreviewed(database.url, readingsPolicy([oldRows()]))).toEqual({
      rows: { reading: 12 },
    });
    expect(await ids(database)).toEqual(YOUNG);
    expect(await readPartitions(database)).toHaveLength(5);
    // There is nothing left to do.
    expect(await runAsPreviewed(database.url, readingsPolicy([oldRows()]))).toEqual({ rows: {} });
  });

  test('after dropPartitions it deletes what that leaves, also rows beside one that a hold names', async () => {
    await database.rows(`
      create table reading_1 partition of reading for values from (minvalue) to ('2001-01-01');
      insert into reading values (901, '2000-01-01', 1), (902, '2000-01-01', 2)`);
    const policy = readingsPolicy([{ ...dropOld(), olderThan: '35 days' }, oldRows()]);
    const opened = await openDatabase(database.url);
    const request = { reason: 'a lawsuit', who: 'ann', until: null };
    await addHold(opened, policy, { ...request, entity: 'Reading', rows: { filter: { id: 901 } } });
    const previewed = await previewPolicy(opened, policy, ['old', 'rows']);
    await opened.close();
    const session = new TemporalSession();
    const report = await vacuum(session, database, [policy]);
    await session.close();
    expect(report.passes).toMatchObject([
      { deleted: { reading: 10 }, held: 2 },
      { scan: 'by-partition', deleted: { reading: 3 }, held: 1, backlog: { after: { rows: 0 } } },
    ]);
    expect(previewed.passes).toMatchObject([
      { deleted: { reading: 10 }, held: 2 },
      { deleted: { reading: 3 }, held: 1 },
    ]);
    expect(await ids(database)).toEqual([...YOUNG, 901]);
    expect(await readPartitions(database)).not.toContain('reading_2');
  });

  test('works in small batches, after locking, and with a filter', async () => {
    const pass = oldRows({ where: { device: { $ne: 205 } } });
    const report = await runEngine(database.url, readingsPolicy([pass]), { size: 2, lockFirst: true });
    expect(report.rows).toBe(11);
    expect(report.passes[0]?.batches).toBeGreaterThan(5);
    expect(await ids(database)).toEqual([205, ...YOUNG]);
  });

  test('goes into partitions of partitions', async () => {
    await database.rows(`
      do $$ begin
        execute (
          select format(
            'alter table reading detach partition reading_3; alter table reading_3 rename to old_3;
            create table reading_3 partition of reading %s partition by hash (id)', pg_get_expr(relpartbound, oid))
          from pg_class where relname = 'reading_3');
      end $$;
      create table reading_3a partition of reading_3 for values with (modulus 2, remainder 0);
      create table reading_3b partition of reading_3 for values with (modulus 2, remainder 1);
      insert into reading select * from old_3`);
    expect(await runAsPreviewed(database.url, readingsPolicy([oldRows()]))).toEqual({
      rows: { reading: 12 },
    });
    expect(await ids(database)).toEqual(YOUNG);
  });

  test('a row that moves to another partition while the pass runs is judged as it is by then', async () => {
    // Each batch has one row. 801 becomes young and moves; 804 becomes old and moves into the default partition's past.
    let batches = 0;
    const report = await runEngine(database.url, readingsPolicy([oldRows()]), {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        if (batches !== 1) return;
        await database.rows(`
          update reading set ts = now() where id = 801;
          update reading set ts = now() - interval '36 days' where id = 804`);
      },
    });
    expect(report.passes[0]?.deleted).toEqual({ reading: 12 });
    expect(await ids(database)).toEqual([...YOUNG.filter((id) => id !== 804), 801].toSorted((a, b) => a - b));
  });

  test('a row that somebody moves to another partition at this moment stays', async () => {
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query('update reading set ts = now() where id = 801');
    const report = await runEngine(database.url, readingsPolicy([oldRows()]), { lockFirst: true });
    await other.query('commit');
    other.release();
    expect(report.passes).toMatchObject([{ deleted: { reading: 11 }, skipped: 1 }]);
    expect(await ids(database)).toContain(801);
  });

  test.each([
    ['dropped', 'drop table reading_3', "select (to_regclass('reading_3') is not null)::int"],
    [
      'detached',
      'alter table reading detach partition reading_3',
      'select count(*) - 11 from reading_3 where id in (801, 802) or id / 100 = 3',
    ],
  ])('a partition that is %s while the pass runs is left', async (_, change, isLeft) => {
    let done = false;
    const report = await runEngine(database.url, readingsPolicy([oldRows()]), {
      size: 1,
      afterBatch: async () => {
        if (!done) await database.rows(change);
        done = true;
      },
    });
    expect(report.passes[0]?.deleted).toEqual({ reading: 11 });
    expect(await database.value(isLeft)).toBe(change.startsWith('alter') ? 1 : 0);
  });

  test('rows that reference a row keep it, and cascades are counted', async () => {
    await database.rows(`
      create table alarm (id integer primary key, reading_id integer, reading_ts timestamptz,
        foreign key (reading_id, reading_ts) references reading (id, ts));
      insert into alarm select 1, id, ts from reading where id = 205;
      create table note (id integer primary key, reading_id integer, reading_ts timestamptz,
        foreign key (reading_id, reading_ts) references reading (id, ts) on delete cascade);
      insert into note select id, id, ts from reading`);
    expect(await runAsPreviewed(database.url, readingsPolicy([oldRows()]))).toEqual({
      rows: { reading: 11, note: 11 },
    });
    expect(await ids(database)).toContain(205);
    expect(await database.value('select count(*) from note')).toBe(YOUNG.length + 1);
  });

  test('keepAtMost counts the rows of all partitions', async () => {
    const pass = oldRows({ olderThan: null, keepAtMost: { rows: 31 } });
    // 601, 804, 10 of each of the partitions 4 and 5, and the youngest of partition 3.
    await runAsPreviewed(database.url, readingsPolicy([pass]));
    expect(await ids(database)).toHaveLength(31);
  });

  test('explain finds a row in its partition, and the backlog counts all', async () => {
    const policy = readingsPolicy([oldRows()]);
    const opened = await openDatabase(database.url);
    const getKey = async (id: number): Promise<string> =>
      `id=${id},ts=${String(await database.value(`select ts::text from reading where id = ${id}`))}`;
    expect(await explainRow(opened, policy, 'Reading', await getKey(801))).toMatchObject({ goesBy: 'rows' });
    expect(await explainRow(opened, policy, 'Reading', await getKey(803))).toMatchObject({ goesBy: 'rows' });
    expect(await explainRow(opened, policy, 'Reading', await getKey(802))).toMatchObject({
      goesBy: null,
      passes: [{ role: 'row', reasons: [{ why: 'too-young' }] }],
    });
    const backlogs = await opened.session.snapshot(LOOK_UP_LIMITS, async (tx) => {
      const entities = readPolicyEntities(opened.session, policy);
      const catalog = await readPolicyCatalog(tx, policy.passes, entities);
      return readCurrentBacklogs(tx, policy, { entities, catalog }, false);
    });
    expect(backlogs).toMatchObject([{ now: { rows: 12, error: 0 }, why: null }]);
    await opened.close();
  });

  test('refuses what is about rows of several partitions, and triggers that would not fire', async () => {
    await database.rows(`
      create function note() returns trigger language plpgsql as 'begin return null; end';
      create trigger counts after delete on reading for each statement execute function note()`);
    const pass = oldRows({ keepLast: { count: 1, per: ['device'] }, nestedBy: 'device' });
    const refused = runEngine(database.url, readingsPolicy([pass]));
    await expect(refused).rejects.toThrow(/keepLast is about rows of several partitions/);
    await expect(refused).rejects.toThrow(/nestedBy is about rows of several partitions/);
    await expect(refused).rejects.toThrow(/triggers that fire once for a delete in the whole table/);
  });
});

describe.each(OLDER_POSTGRESQL.slice(0, 1))('PostgreSQL %s', (major) => {
  describeNeeding([`postgresql-${major}`], 'expireRows over a partitioned table', () => {
    test('deletes the same rows as on the newest', async () => {
      const cluster = await startCluster({ programs: programsIn(postgresql(major).folder) });
      const database = await createReadings(cluster.url());
      await database.rows(AROUND);
      expect(await runAsPreviewed(database.url, readingsPolicy([oldRows()]))).toEqual({
        rows: { reading: 12 },
      });
      expect(await ids(database)).toEqual(YOUNG);
      await database.drop();
      await cluster.destroy();
    });
  });
});
