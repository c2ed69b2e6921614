import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { examineSizes } from '../../../activities/inspect/doctor-sizes.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport, PreviewedPass } from '../../../activities/stored/report.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import {
  createReadings,
  Device,
  dropOld,
  FirstReading,
  Reading,
  readingsPolicy,
  readPartitions,
} from '../../support/readings.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

const KEPT = ['reading_4', 'reading_5', 'reading_default'];

describeNeeding(['temporal'], 'dropPartitions', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createReadings();
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  async function preview(policy: Policy): Promise<readonly PreviewedPass[]> {
    const opened = await openDatabase(database.url);
    const names = policy.passes.map(({ name }) => name);
    const { passes } = await previewPolicy(opened, policy, names);
    await opened.close();
    return passes;
  }

  /** Runs a policy, and checks that a preview had told what it does. */
  async function run(policy: Policy): Promise<LedgerReport> {
    const previewed = await preview(policy);
    const report = await vacuum(session, database, [policy]);
    const tell = ({
      name,
      deleted,
      held,
      blocked,
    }: PreviewedPass | LedgerReport['passes'][number]): object => ({
      name,
      deleted,
      held,
      blocked,
    });
    expect(report.passes.map(tell)).toEqual(previewed.map(tell));
    return report;
  }

  test('drops what is older by its upper bound, and neither the partition around the horizon nor the default', async () => {
    const [previewed] = await preview(readingsPolicy([dropOld()]));
    const [oldest] = await database.rows(
      'select min(ts) as at, max(ts) filter (where id < 400) as newest from reading',
    );
    expect(Date.parse(previewed?.oldest ?? '')).toBe(Date.parse(String(oldest?.['at'])));
    expect(Date.parse(previewed?.newest ?? '')).toBe(Date.parse(String(oldest?.['newest'])));

    const report = await run(readingsPolicy([dropOld()]));
    expect(report).toMatchObject({ status: 'completed', rows: 30, deleted: { reading: 30 } });
    expect(report.passes).toMatchObject([
      { kind: 'dropPartitions', status: 'completed', scan: 'tables', batches: 3, estimate: 30 },
    ]);
    expect(report.passes[0]?.bytes).toBeGreaterThan(0);
    expect(report.bytes).toBe(report.passes[0]?.bytes);
    expect(report.passes[0]?.backlog).toMatchObject({
      before: { rows: 30, error: 3 },
      after: { rows: 0, error: 0 },
    });
    expect(report.notes).toEqual([
      { what: 'pass old: partitions were dropped', here: 'table reading_1, 10 rows' },
      { what: 'pass old: partitions were dropped', here: 'table reading_2, 10 rows' },
      { what: 'pass old: partitions were dropped', here: 'table reading_3, 10 rows' },
    ]);
    expect(await readPartitions(database)).toEqual(KEPT);
    expect(await database.value('select count(*) from reading')).toBe(21);
    // There is nothing left to do.
    expect(await run(readingsPolicy([dropOld()]))).toMatchObject({ status: 'completed', rows: 0, notes: [] });
  });

  test('drops partitions with partitions of their own whole', async () => {
    await database.rows(`
      do $$ begin
        execute (
          select format(
            'alter table reading detach partition reading_2; alter table reading_2 rename to old_2;
            create table reading_2 partition of reading %s partition by hash (id)', pg_get_expr(relpartbound, oid))
          from pg_class where relname = 'reading_2');
      end $$;
      create table reading_2a partition of reading_2 for values with (modulus 2, remainder 0);
      create table reading_2b partition of reading_2 for values with (modulus 2, remainder 1);
      insert into reading select * from old_2`);
    expect(await run(readingsPolicy([dropOld()]))).toMatchObject({ deleted: { reading: 30 } });
    expect(await readPartitions(database)).toEqual(KEPT);
  });

  test('estimates the rows of a partition once: what is looked at again has the estimate that it had', async () => {
    const opened = await openDatabase(database.url);
    const table = { schema: 'public', name: 'reading', label: 'reading' };
    const age = { name: 'ts', type: 'timestamp with time zone' };
    const limits = { lockMillis: 5000, statementMillis: 60_000 };
    await opened.session.snapshot(limits, async ({ partitions }) => {
      const horizon = new Date().toISOString();
      const [first] = (await partitions?.findPast(table, age, horizon)) ?? [];
      expect(first).toMatchObject({ name: 'reading_1', rows: 10 });
      if (first === undefined) return;
      const again = await partitions?.findPast(table, age, horizon, { ...first, rows: 7 });
      expect(again).toEqual([{ ...first, rows: 7 }]);
    });
    await opened.close();
  });

  test('drops an empty partition, and one in another schema', async () => {
    await database.rows(
      'create schema archive; alter table reading_1 set schema archive; truncate reading_2',
    );
    const report = await run(readingsPolicy([dropOld()]));
    expect(report).toMatchObject({ rows: 20, passes: [{ estimate: 20, batches: 3 }] });
    expect(report.notes.map(({ here }) => here)).toEqual([
      'table archive.reading_1, 10 rows',
      'table reading_2, 0 rows',
      'table reading_3, 10 rows',
    ]);
    expect(await readPartitions(database)).toEqual(KEPT);
  });

  test('a hold on one row keeps its partition whole', async () => {
    const policy = readingsPolicy([dropOld()]);
    const opened = await openDatabase(database.url);
    const request = { reason: 'a lawsuit', who: 'ann', until: null };
    await addHold(opened, policy, { ...request, entity: 'Reading', rows: { filter: { device: 205 } } });
    await opened.close();
    const report = await run(policy);
    expect(report.passes).toMatchObject([{ deleted: { reading: 20 }, held: 10, blocked: 0 }]);
    expect(report.passes[0]?.backlog).toMatchObject({ before: { rows: 20 }, after: { rows: 0 } });
    expect(report.notes.at(1)).toEqual({
      what: 'pass old: a partition stays: a hold names rows of it',
      here: 'table reading_2',
    });
    expect(await readPartitions(database)).toEqual(['reading_2', ...KEPT]);
    expect(await database.value('select count(*) from reading_2')).toBe(10);
  });

  test('a row that another references, or a view, keeps its partition', async () => {
    await database.rows(`
      create table alarm (id integer primary key, reading_id integer, reading_ts timestamptz,
        foreign key (reading_id, reading_ts) references reading (id, ts));
      insert into alarm select 1, id, ts from reading where id = 105;
      insert into alarm select 2, id, ts from reading where id = 405;
      create view second as select * from reading_2`);
    const report = await run(readingsPolicy([dropOld()]));
    expect(report.passes).toMatchObject([{ deleted: { reading: 10 }, blocked: 20 }]);
    expect(report.notes.map(({ here }) => here)).toEqual([
      'table reading_1',
      'table reading_2',
      'table reading_3, 10 rows',
    ]);
    expect(await readPartitions(database)).toEqual(['reading_1', 'reading_2', ...KEPT]);
    // The foreign key is as it was.
    await expect(database.rows('delete from reading where id = 105')).rejects.toThrow('foreign key');
  });

  test('passes around it see what it does, and it sees what they do', async () => {
    await database.rows(`
      create table device (id integer primary key, made timestamptz);
      insert into device select device, now() - interval '1 year' from reading`);
    const someRows = expireRows({
      name: 'some',
      entity: FirstReading,
      age: 'ts',
      olderThan: '30 days',
      where: { id: { $lte: 104 } },
      allowNewest: true,
    });
    const unused = deleteUnreferenced({
      name: 'unused',
      entity: Device,
      age: 'made',
      references: [softReference({ entity: Reading, by: 'device' })],
    });
    const report = await run(readingsPolicy([someRows, dropOld(), unused]));
    expect(report.passes.map(({ deleted }) => deleted)).toEqual([
      { reading_1: 4 },
      { reading: 26 },
      { device: 30 },
    ]);
  });

  test.each(['', 'on delete cascade'])(
    'a later pass goes on over the table that partitions reference %s',
    async (action) => {
      await database.rows(`
      create table device (id integer primary key, made timestamptz);
      insert into device select device, now() - interval '1 year' from reading;
      insert into device values (1, now() - interval '1 year');
      alter table reading add foreign key (device) references device ${action}`);
      const policy = readingsPolicy([
        dropOld(),
        action === ''
          ? deleteUnreferenced({ name: 'unused', entity: Device, age: 'made', references: [] })
          : expireRows({
              name: 'old-devices',
              entity: Device,
              age: 'made',
              olderThan: '100 days',
              allowNewest: true,
            }),
      ]);
      const report = await run(policy);
      expect(report).toMatchObject({
        status: 'completed',
        deleted: action === '' ? { reading: 30, device: 31 } : { reading: 30, device: 52 },
      });
      expect(await readPartitions(database)).toEqual(KEPT);
      expect(await database.value('select count(*) from reading')).toBe(action === '' ? 21 : 0);
    },
  );

  test('guards and limits apply to the rows of whole partitions', async () => {
    const guarded = readingsPolicy([dropOld()], { limits: { smallTable: 10 } });
    await expect(vacuum(session, database, [guarded])).rejects.toThrow('Workflow execution failed');
    expect(await database.value(`select reasons::text from vacuum.run`)).toContain(
      '58.9 % of entity Reading would be deleted, 30 of 51 rows, by pass old',
    );
    const limited = readingsPolicy([dropOld()], { name: 'limited', limits: { maxRows: 25 } });
    const report = await vacuum(session, database, [limited]);
    expect(report).toMatchObject({ status: 'stopped', rows: 20 });
    expect(report.reasons.join()).toContain(
      'limit maxRows 25 reached: 20 rows; the next row would delete more',
    );
    expect(await readPartitions(database)).toEqual(['reading_3', ...KEPT]);
  });

  test('stats shows what waits', async () => {
    const opened = await openDatabase(database.url);
    const stats = await readStats(opened, readingsPolicy([dropOld()]), true);
    await opened.close();
    expect(JSON.stringify(stats)).toContain('"rows":30');
  });

  test('stats and doctor measure its table as the sum of its partitions, also with the extension for bloat', async () => {
    await database.rows('create extension pgstattuple');
    await database.rows('vacuum reading');
    const opened = await openDatabase(database.url);
    const policy = readingsPolicy([dropOld()]);
    const { tables } = await readStats(opened, policy, true);
    const findings = await examineSizes(opened, policy);
    await opened.close();
    const [truth] = await database.rows(`
      select sum(pg_total_relation_size(inhrelid) - pg_indexes_size(inhrelid))::float8 as heap,
        sum(pg_indexes_size(inhrelid))::float8 as indexes
      from pg_inherits where inhparent = 'reading'::regclass`);
    expect(tables).toMatchObject([{ table: 'reading', live: 51, ...truth }]);
    expect(findings[0]?.what).toContain('of 1 table are within bounds');
  });
});
