import { afterAll, afterEach, describe, expect, test } from '@jest/globals';

import { openDatabase } from '../../../activities/ledger/database.ts';
import { checkAgainst } from '../../../activities/plan/resolve-policy.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { ReclaimSpaceOptions } from '../../../policy/reclaim-space.ts';
import type { TestDatabase } from '../../support/database.ts';
import { describeNeeding } from '../../support/needing.ts';
import {
  BOTH,
  createHollow,
  inStatistics,
  readJournal,
  reclaiming,
  readTableSize,
} from '../../support/reclaim/hollow.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

const ANY_TIME = { mode: 'full', window: '00:00-24:00' } as const;
const MEBI = 1024 * 1024;

describeNeeding(['temporal'], 'reclaimSpace', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const run = async (options: Partial<ReclaimSpaceOptions> = {}): Promise<LedgerReport> =>
    vacuum(session, database, [reclaiming(options)]);
  const joinNotes = ({ notes }: LedgerReport): string =>
    notes.map(({ what, here = '' }) => `${what} [${here}]`).join('\n');

  test('vacuum gives back the empty end of a table, measured to the byte', async () => {
    database = await createHollow('at the end');
    const before = await readTableSize(database, 'item');
    const report = await run();
    const after = await readTableSize(database, 'item');
    expect(report.rows).toBe(8_000);
    expect(before - after).toBeGreaterThan(3 * MEBI);
    expect(report.bytes).toBe(before - after);
    expect(report.passes[1]).toMatchObject({ status: 'completed', rows: 0, bytes: before - after });
    expect(await readJournal(database)).toEqual(['vacuum item started', 'vacuum item ended done']);
    const item = report.sizes.find(({ table }) => table === 'item');
    expect(item?.before?.heap).toBeGreaterThan((item?.after?.heap ?? 0) + 3 * MEBI);
    expect(item?.after?.dead).toBe(0);
    expect(await database.value('select count(*) from item')).toBe(4_000);
  });

  test('full gives back what is empty anywhere, where vacuum gives nothing back', async () => {
    database = await createHollow('every second');
    const first = await run();
    expect(first.passes[1]?.bytes).toBeLessThan(MEBI / 4);
    const before = await readTableSize(database, 'item');
    const report = await run({ ...ANY_TIME, ...BOTH });
    expect(report.passes[1]?.bytes).toBeGreaterThan(2 * MEBI);
    expect(before - (await readTableSize(database, 'item'))).toBeGreaterThan(2 * MEBI);
    expect(joinNotes(report)).toContain('whether the disk had room to rewrite tables is not known');
    expect(await readJournal(database)).toEqual([
      'vacuum item started',
      'vacuum item ended done',
      'full item started',
      'full item ended done',
      'full owner started',
      'full owner ended done',
    ]);
    expect(await database.value('select count(*) from item')).toBe(6_000);
  });

  test('works on what the run deleted from, and vacuums what has more than a fifth dead rows', async () => {
    database = await createHollow('at the end', 6_000);
    const run1 = await run({ ...BOTH, mode: 'vacuum' });
    expect(run1.passes[1]?.batches).toBe(2);
    await inStatistics(database, 'delete from item where id % 20 = 0', 'analyze item');
    await run();
    expect(await readJournal(database)).toHaveLength(4);
    // 1,000 dead rows and more than a fifth of what lives.
    await inStatistics(database, 'update item set state = state where id <= 1100', 'analyze item');
    await run(ANY_TIME);
    expect(await readJournal(database)).toHaveLength(4);
    await run();
    expect((await readJournal(database)).slice(4)).toEqual(['vacuum item started', 'vacuum item ended done']);
  });

  test('full leaves a table that others hold after its retries, says so, and goes on with the next', async () => {
    database = await createHollow('at the end', 3_000);
    const holder = await database.pool.connect();
    await holder.query('begin; lock table owner in row exclusive mode');
    const report = await run({
      ...ANY_TIME,
      entities: [...BOTH.entities].toReversed(),
      lockTimeout: '20 ms',
      retries: 2,
    });
    await holder.query('rollback');
    holder.release();
    expect(report.status).toBe('completed');
    expect(joinNotes(report)).toMatch(
      /pass reclaim: a table was left as it is: other sessions held it each of 3 times.*\[table owner\]/,
    );
    expect(await readJournal(database)).toEqual([
      'full owner started',
      'full owner ended locked',
      'full item started',
      'full item ended done',
    ]);
  });

  test('tells the workflow no table', async () => {
    database = await createHollow('at the end', 3_000);
    const taskQueue = session.queue();
    const policies = [reclaiming({ ...ANY_TIME, freeBytes: () => 1 })];
    const result = await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
      const handle = await session.start(taskQueue);
      return (await handle.result()) as LedgerReport;
    });
    expect(result.notes).toEqual([
      expect.stringContaining('pass reclaim: a table was left as it is: its disk has no room to rewrite it'),
    ]);
    expect(JSON.stringify(result)).not.toContain('item');
    expect(await readJournal(database)).toEqual([]);
  });

  test('begins nothing outside its hours', async () => {
    database = await createHollow('at the end', 3_000);
    const [from, until] = await Promise.all(
      [2, 3].map(async (hours) =>
        database.value<string>(
          `select to_char(now() at time zone 'Asia/Tokyo' + $1 * interval '1 hour', 'HH24:MI')`,
          [hours],
        ),
      ),
    );
    const before = await readTableSize(database, 'item');
    const report = await run({ mode: 'full', window: `${from}-${until}`, timezone: 'Asia/Tokyo', ...BOTH });
    expect(joinNotes(report)).toContain(
      `pass reclaim: tables were left as they are: window ${from}-${until} Asia/Tokyo was closed`,
    );
    expect(report.notes).toHaveLength(1);
    expect(await readJournal(database)).toEqual([]);
    expect(await readTableSize(database, 'item')).toBe(before);
  });

  test('says what kept dead rows in the table', async () => {
    database = await createHollow('at the end', 3_000);
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read; select 1');
    const report = await run();
    await reader.query('rollback');
    reader.release();
    expect(joinNotes(report)).toMatch(
      /vacuum could not remove 2,000 dead rows of a table: a transaction holds it back.*\[table item; \d+, idle in/,
    );
    expect(report.passes[1]?.bytes).toBeLessThanOrEqual(0);
  });

  test('rewrites where the policy says that there is room', async () => {
    database = await createHollow('at the end', 3_000);
    const report = await run({ ...ANY_TIME, freeBytes: async () => 1e12 });
    expect(report.notes).toEqual([]);
    expect(await readJournal(database)).toEqual(['full item started', 'full item ended done']);
  });

  test('what cannot be measured fails no run, and is said', async () => {
    database = await createHollow('at the end', 3_000);
    await run();
    await database.rows(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
      create trigger refuse before insert on vacuum.size execute function refuse()`);
    const report = await run();
    expect(report).toMatchObject({ status: 'completed', bytes: null, sizes: [] });
    expect(joinNotes(report)).toContain('sizes of tables at the begin of the run are not known');
    expect(joinNotes(report)).toContain('sizes of tables at the end of the run are not known');
  });
});

describe('reclaimSpace of a role that does not own the table', () => {
  test('is refused, since vacuum would only warn', async () => {
    const database = await createHollow('at the end', 30);
    const role = `reader_${database.name}`;
    await database.rows(`
      create role ${role} login; grant select, update, delete on item to ${role}`);
    const url = new URL(database.url);
    url.username = role;
    const opened = await openDatabase(url.toString());
    const check = async (): Promise<unknown> =>
      checkAgainst(opened.session, reclaiming(), ['old', 'reclaim'], 'execute');
    await expect(check()).rejects.toThrow('the database role may not vacuum a table of it');
    await database.rows(`grant maintain on item to ${role}`);
    await check();
    await opened.close();
    await database.rows(`drop owned by ${role}; drop role ${role}`);
    await database.drop();
  });
});
