import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { readTableSizes } from '../../../activities/inspect/stats.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { cli } from '../../support/cli.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createItems } from '../../support/items.ts';
import { describeNeeding } from '../../support/needing.ts';
import { inStatistics, reclaiming } from '../../support/reclaim/hollow.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';

const MIB = 1024 * 1024;

describe('the bloat of indexes', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createItems();
    await database.rows('alter table item set (autovacuum_enabled = off)');
  });
  afterEach(async () => database.drop());

  const readEstimate = async (): Promise<number> => {
    const opened = await openDatabase(database.url);
    const limits = { lockMillis: 1000, statementMillis: 10_000 };
    const sizes = await readTableSizes(opened, reclaiming(), limits);
    await opened.close();
    return sizes.find(({ table }) => table === 'item')?.indexBloat?.bytes ?? Number.NaN;
  };
  const readIndexSize = async (): Promise<number> => database.value(`select pg_indexes_size('item')::float8`);

  test.each([
    ['whole', 'create index on item (at)'],
    ['of several columns', 'create index on item (state, at, id)'],
    ['of an expression', 'create index on item ((id::text || state))'],
    ['of a part of the rows', `create index on item (at, id) where id % 3 = 0`],
    ['with room for new entries', 'create index on item (at, id) with (fillfactor = 50)'],
  ])('%s: a rebuild gives back about what is estimated', async (_what, index) => {
    await inStatistics(
      database,
      `insert into item select n, null, md5(n::text), now() - n * interval '1 s' from generate_series(1, 30000) as n`,
      index,
      'delete from item where id % 10 <> 0',
      'vacuum (analyze) item',
    );
    const [before, estimate] = [await readIndexSize(), await readEstimate()];
    await database.rows('reindex table item');
    const given = before - (await readIndexSize());
    expect(Math.abs(estimate - given) / given).toBeLessThan(0.1);
    expect(await readEstimate()).toBeLessThan(0.05 * before);
  });

  test('is not known before the table was analyzed', async () => {
    await database.rows(`insert into item select n, null, 'done', now() from generate_series(1, 1000) as n`);
    expect(await readEstimate()).toBeNaN();
  });
});

describeNeeding(['temporal'], 'indexes that are mostly empty', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  /** An index as it is after most rows of a large table were deleted, in a second: it forgets with how much room it was made. */
  async function createBloated(): Promise<void> {
    database = await createItems();
    await inStatistics(
      database,
      `alter table item set (autovacuum_enabled = off);
       insert into item select n, null, md5(n::text) || repeat('x', 150), now() - interval '9 days' * (n % 2)
       from generate_series(1, 40000) as n;
       create index item_state on item (state) with (fillfactor = 10);
       alter index item_state reset (fillfactor)`,
      'vacuum (analyze) item',
    );
  }
  const run = async (...parts: string[]): Promise<string> => {
    const config = ['--config', 'test/support/reclaim/vacuum.config.ts'];
    const env = { TEST_DATABASE_URL: database.url, NO_COLOR: '1' };
    return (await cli([...parts, ...config], { env })).stdout;
  };

  test('are shown by stats, advised on by doctor, and said at the end of a run that reclaims none of them', async () => {
    await createBloated();
    const report = await vacuum(session, database, [reclaiming()]);
    expect(report).toMatchObject({ status: 'completed', rows: 20_000 });
    const said = await run('history', '1');
    const [, size = '0'] =
      /about ([\d.]+) MiB of indexes could be given back by a reclaimSpace/.exec(said) ?? [];
    const bloat = Number(size) * MIB;
    const { tables } = JSON.parse(await run('stats', '--json')) as {
      tables: { table: string; indexBloat: { bytes: number } | null }[];
    };
    const later = tables.find(({ table }) => table === 'item')?.indexBloat?.bytes ?? 0;
    const doctor = JSON.parse(await run('doctor', '--json', '--address', '127.0.0.1:1')) as {
      about: string;
      what: string;
      fix: string;
    }[];
    const advice = doctor.find(({ what }) => what.includes('of its indexes is empty'));
    expect(advice?.about).toBe('table item');
    const before = await database.value(`select pg_indexes_size('item')::float8`);
    const [statement = ''] = /^.*;/.exec(advice?.fix ?? '') ?? [];
    expect(statement).toBe('reindex table concurrently "item";');
    await database.rows(statement);
    const given = before - (await database.value(`select pg_indexes_size('item')::float8`));
    // The server counts some deleted rows only after the run has ended.
    for (const found of [bloat, later]) expect(Math.abs(found - given) / given).toBeLessThan(0.1);
    expect(await run('doctor', '--json', '--address', '127.0.0.1:1')).not.toContain(
      'of its indexes is empty',
    );
  });
});
