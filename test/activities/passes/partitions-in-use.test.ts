import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PoolClient } from 'pg';

import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { TestDatabase } from '../../support/database.ts';
import { waitForLockWait } from '../../support/locks.ts';
import { describeNeeding } from '../../support/needing.ts';
import { createReadings, dropOld, readingsPolicy, readPartitions } from '../../support/readings.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

const KEPT = ['reading_4', 'reading_5', 'reading_default'];

describeNeeding(['temporal'], 'dropPartitions beside others', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  let other: PoolClient;
  beforeEach(async () => {
    database = await createReadings();
    other = await database.pool.connect();
    await other.query('begin');
  });
  afterEach(async () => {
    other.release();
    await database.drop();
  });
  afterAll(async () => session.close());

  const run = async (options: Parameters<typeof dropOld>[0] = {}): Promise<LedgerReport> =>
    vacuum(session, database, [readingsPolicy([dropOld(options)])]);

  test('waits for one who writes, and counts the row that comes meanwhile', async () => {
    await other.query('insert into reading_2 select 999, max(ts), 1 from reading_2');
    const running = run();
    await waitForLockWait(database, running);
    // One whose turn comes is no partition any more.
    await other.query('alter table reading detach partition reading_3');
    await other.query('commit');
    const report = await running;
    expect(report).toMatchObject({ status: 'completed', deleted: { reading: 21 } });
    expect(report.notes.map(({ what, here }) => [what, here])).toEqual([
      ['pass old: partitions were dropped', 'table reading_1, 10 rows'],
      ['pass old: partitions were dropped', 'table reading_2, 11 rows'],
      [
        'pass old: a partition stays: it is no partition of the table any more, or not old enough by its bounds',
        'table reading_3',
      ],
    ]);
    expect(await readPartitions(database)).toEqual(['reading_3', ...KEPT]);
  });

  test('lets those who read go first, again and again', async () => {
    await other.query('select count(*) from reading');
    const running = run();
    await waitForLockWait(database, running);
    // Nobody is kept out for long meanwhile.
    for (let reads = 0; reads < 5; reads += 1) {
      await database.rows(`set statement_timeout = '1s'`);
      expect(await database.value('select count(*) from reading')).toBe(51);
    }
    await other.query('commit');
    expect(await running).toMatchObject({ status: 'completed', rows: 30 });
    expect(await readPartitions(database)).toEqual(KEPT);
  });

  test('waits for them as long as it may', async () => {
    await other.query('select count(*) from reading');
    const running = run({ lockTimeout: '30 s' });
    await waitFor('a lock that is waited for longer than by default', async () =>
      database.value<boolean>(`
        select coalesce(bool_or(clock_timestamp() - waitstart > interval '0.3 seconds'), false)
        from pg_locks where not granted and relation = 'reading'::regclass`),
    );
    await other.query('commit');
    expect(await running).toMatchObject({ status: 'completed', rows: 30 });
  });

  test('a run that is stopped while it waits drops nothing more, and waits no longer', async () => {
    await other.query('lock table reading_2 in row exclusive mode');
    const taskQueue = session.queue();
    const policies = [readingsPolicy([dropOld({ lockTimeout: '1 minute' })])];
    await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
      const handle = await session.start(taskQueue);
      await waitForLockWait(database);
      await handle.signal('stop', 'not now');
      expect(await handle.result()).toMatchObject({ status: 'stopped', rows: 10 });
    });
    expect(await readPartitions(database)).toEqual(['reading_2', 'reading_3', ...KEPT]);
    const waiting = `select count(*) from pg_locks where not granted and relation = 'reading_2'::regclass`;
    expect(await database.value(waiting)).toBe(0);
    await other.query('rollback');
    expect(await run()).toMatchObject({ status: 'completed', rows: 20 });
  });

  test('leaves a partition that somebody uses all the time, and goes on', async () => {
    await other.query('lock table reading_2 in row exclusive mode');
    const report = await run();
    expect(report).toMatchObject({
      status: 'completed',
      passes: [{ deleted: { reading: 20 }, skipped: 10, batches: 3 }],
    });
    expect(report.notes.at(1)).toEqual({
      what: 'pass old: a partition stays: each time somebody else used it or its table, or a foreign key without an index took too long to check',
      here: 'table reading_2',
    });
    await other.query('rollback');
    expect(await readPartitions(database)).toEqual(['reading_2', ...KEPT]);
  });

  test('a session that is ended in the middle leaves all as it was, and the next attempt goes on', async () => {
    await other.query('select count(*) from reading');
    const running = run();
    await waitForLockWait(database, running);
    const victim = await database.value(`
      select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like 'lock table%'`);
    await database.rows('select pg_terminate_backend($1)', [victim]);
    await waitFor(
      'the session to end',
      async () =>
        (await database.value('select count(*) from pg_stat_activity where pid = $1', [victim])) === 0,
    );
    expect(await readPartitions(database)).toEqual(['reading_1', 'reading_2', 'reading_3', ...KEPT]);
    expect(await database.value('select count(*) from vacuum.batch')).toBe(0);
    await other.query('commit');
    expect(await running).toMatchObject({ status: 'completed', deleted: { reading: 30 } });
    expect(await readPartitions(database)).toEqual(KEPT);
  });
});
