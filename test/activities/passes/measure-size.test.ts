import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { MeasureSizeOptions } from '../../../policy/measure-size.ts';
import { measureSize } from '../../../policy/measure-size.ts';
import type { TestDatabase } from '../../support/database.ts';
import { expiring, Owner, makePolicy } from '../../support/items.ts';
import { describeNeeding } from '../../support/needing.ts';
import { createHollow } from '../../support/reclaim/hollow.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

describeNeeding(['temporal'], 'measureSize', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createHollow('every second', 6_000);
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const run = async (options: Partial<MeasureSizeOptions> = {}): Promise<LedgerReport> => {
    const policy = makePolicy(expiring(), measureSize({ name: 'sizes', ...options }));
    return vacuum(session, database, [policy]);
  };

  test('measures what the policy deletes from, children by cascade included, and deletes nothing', async () => {
    await database.rows(`
      create table child (
        id integer primary key, item_id integer references item on delete cascade, at timestamptz, text text);
      -- It would vacuum them in between if the machine is slow.
      alter table child set (autovacuum_enabled = off);
      alter table item set (autovacuum_enabled = off);
      create index on child (item_id);
      insert into child select n, n, now(), repeat(md5(n::text), 200) from generate_series(1, 300) as n`);
    await database.rows('vacuum (analyze) child');
    const report = await run();
    const [old, sizes] = report.passes;
    expect(sizes).toMatchObject({ status: 'completed', rows: 0, bytes: 0, batches: 2, scan: 'tables' });
    expect(old?.deleted).toEqual({ item: 3_000, child: 150 });
    expect(sizes?.measured?.map(({ table }) => table)).toEqual(['child', 'item']);
    const [row] = await database.rows(`
      select
        pg_indexes_size('child')::float8 as indexes,
        pg_total_relation_size(reltoastrelid)::float8 as toast,
        (pg_table_size('child') - pg_total_relation_size(reltoastrelid))::float8 as heap
      from pg_class where oid = 'child'::regclass`);
    expect(sizes?.measured?.[0]).toMatchObject({
      ...row,
      lastVacuum: expect.any(String),
      lastAutovacuum: null,
    });
    // What was deleted in between is half of the table.
    const bloat = sizes?.measured?.[1]?.bloat;
    expect(bloat).toMatchObject({ by: 'estimate' });
    expect(bloat?.percent).toBeGreaterThan(40);
    expect(bloat?.percent).toBeLessThan(60);
    expect(report.sizes.map(({ table }) => table)).toEqual(['child', 'item']);
  });

  test('measures bloat exactly where the extension is there and asked for, and says where it is not', async () => {
    const without = await run({ exact: true, entities: [Owner] });
    expect(without.passes[1]?.measured).toMatchObject([{ table: 'owner', bloat: { by: 'estimate' } }]);
    expect(without.notes.map(({ what }) => what)).toEqual([
      expect.stringContaining(
        'pass sizes: bloat is an estimate: extension pgstattuple is not in the database',
      ),
    ]);
    // Half of the items went in that run.
    await database.rows('create schema tools; create extension pgstattuple schema tools');
    const exact = await run({ exact: true });
    const bloat = exact.passes[1]?.measured?.[0]?.bloat;
    expect(bloat).toMatchObject({ by: 'pgstattuple_approx' });
    expect(bloat?.percent).toBeGreaterThan(45);
    expect(bloat?.percent).toBeLessThan(60);
    expect(exact.notes).toEqual([]);
  });

  test('names the old transaction that holds vacuum back, to those who can read the ledger', async () => {
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read; select 1');
    const report = await run();
    await reader.query('rollback');
    reader.release();
    expect(report.notes).toEqual([
      {
        what: expect.stringMatching(
          /^pass sizes: a transaction holds vacuum back for \d+ s; \d+ transactions? started since$/,
        ),
        here: expect.stringMatching(/idle in transaction, role .*pg_terminate_backend/),
      },
    ]);
  });
});
