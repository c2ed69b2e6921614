import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { JOBS_POLICY } from '../../support/logged-jobs.ts';

// A backup that is restored while a run is open takes the rows and the ledger back in time together.

const YOUNG = [25, 26, 27, 28, 29, 30];

describe.each(DIALECTS)('a backup that is restored in the middle of a run, on %s', (name, open) => {
  const ledger = (table: string): string => (name === 'SQLite' ? `vacuum_${table}` : `vacuum.${table}`);
  let database: EitherDatabase;

  beforeEach(async () => {
    const jobs = Array.from({ length: 30 }, (_, n) => `(${n + 1}, ${daysAgo(n < 24 ? 9 - n / 100 : 0)})`);
    database = await open(`
      create table job (id integer primary key, at timestamp with time zone not null);
      create table log (id integer primary key, job_id integer);
      create index log_job on log (job_id);
      create index job_at on job (at);
      insert into job values ${jobs.join(', ')};
      insert into log select 100 + id, id from job`);
  });
  afterEach(async () => database.drop());

  const backUp = async (tables: readonly string[]): Promise<void> => {
    for (const [n, table] of tables.entries())
      await database.execute(`create table backup${n} as select * from ${table}`);
  };
  const restore = async (tables: readonly string[]): Promise<void> => {
    const statements = tables.flatMap((table, n) => [
      `delete from ${table}`,
      `insert into ${table} select * from backup${n}`,
    ]);
    await database.execute(`begin; ${statements.join('; ')}; commit`);
  };

  const countJobs = async (): Promise<number> => (await database.ids('job')).length;

  test('with its ledger: the run goes on from there, and counts what it deletes from there', async () => {
    const tables = ['job', 'log', ledger('batch')];
    let batches = 0;
    const { passes } = await runEngine(database.url, JOBS_POLICY, {
      size: 3,
      afterBatch: async () => {
        batches += 1;
        if (batches === 2) await backUp(tables);
        if (batches === 5) await restore(tables);
      },
    });
    // What was deleted and counted before the backup was made, and from there on.
    expect(passes).toMatchObject([{ deleted: { job: 24, log: 24 } }]);
    expect(await database.ids('job')).toEqual(YOUNG);
    expect(await database.ids('log')).toEqual(YOUNG.map((id) => 100 + id));
  });

  test('from before the run: nothing more is deleted by it', async () => {
    const tables = ['job', 'log'];
    let batches = 0;
    let restored = 0;
    const run = runEngine(database.url, JOBS_POLICY, {
      size: 3,
      afterBatch: async () => {
        batches += 1;
        if (batches === 1) await backUp(tables);
        if (batches !== 3) return;
        await restore(tables);
        restored = await countJobs();
        for (const table of ['batch', 'pass', 'run']) await database.execute(`delete from ${ledger(table)}`);
      },
    });
    await expect(run).rejects.toThrow('the shard is busy');
    expect([restored < 30, await countJobs()]).toEqual([true, restored]);
    expect(await database.ids('log')).toEqual((await database.ids('job')).map((id) => 100 + id));
  });

  test('without its ledger: rows behind the scan are left to the next run, and both count what they delete', async () => {
    const tables = ['job', 'log'];
    await backUp(tables);
    let batches = 0;
    let before = 0;
    const [first] = (
      await runEngine(database.url, JOBS_POLICY, {
        size: 3,
        scan: 'by-age',
        afterBatch: async () => {
          batches += 1;
          if (batches !== 4) return;
          before = 30 - (await countJobs());
          await restore(tables);
        },
      })
    ).passes;
    const left = await countJobs();
    expect([before > 0, left > YOUNG.length]).toEqual([true, true]);
    expect(first?.deleted).toEqual({ job: before + 30 - left, log: before + 30 - left });
    const [second] = (await runEngine(database.url, JOBS_POLICY)).passes;
    expect(second?.deleted).toEqual({ job: left - YOUNG.length, log: left - YOUNG.length });
    expect(await database.ids('job')).toEqual(YOUNG);
    expect(await database.ids('log')).toEqual(YOUNG.map((id) => 100 + id));
  });
});
