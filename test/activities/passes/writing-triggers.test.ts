import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';

const Job = defineEntity({
  name: 'Job',
  tableName: 'job',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Step = defineEntity({
  name: 'Step',
  tableName: 'step',
  properties: { id: p.integer().primary(), jobId: p.integer().nullable(), at: p.datetime() },
});
const File = defineEntity({
  name: 'File',
  tableName: 'file',
  properties: { id: p.integer().primary(), jobId: p.integer().nullable() },
});

const WAYS: EngineOptions[] = [
  {},
  { size: 2 },
  { size: 2, lockFirst: true },
  { scan: 'by-location', size: 4 },
];

// Jobs 1 to 5 are old and have steps 11 to 59; file n belongs to job n, and only a trigger knows.
describe.each(DIALECTS)('triggers of %s that write other rows', (name, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    const moment = name === 'SQLite' ? 'datetime' : 'timestamptz';
    const ids = [1, 2, 3, 4, 5, 6];
    database = await open(`
      create table job (id integer primary key, at ${moment} not null);
      create table step (id integer primary key, job_id integer references job on delete cascade, at ${moment} not null);
      create table file (id integer primary key, job_id integer);
      create index step_job on step (job_id);
      insert into job values ${ids.map((id) => `(${id}, ${daysAgo(id === 6 ? 0 : 9)})`).join(', ')};
      insert into step values ${ids.flatMap((id) => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `(${10 * id + n}, ${id}, ${daysAgo(9)})`)).join(', ')};
      insert into file select id, id from job`);
  });
  afterEach(async () => database.drop());

  /** Makes a trigger after the delete of a row. */
  async function make(table: string, statement: string): Promise<void> {
    await database.execute(
      name === 'SQLite'
        ? `create trigger writer after delete on ${table} begin ${statement}; end`
        : `create function write() returns trigger language plpgsql as $$ begin ${statement}; return null; end $$;
           create trigger writer after delete on ${table} for each row execute function write()`,
    );
  }

  const makePolicy = (pass: Pass): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [Job, Step, File],
      limits: { maxPercent: 100 },
      passes: [pass],
    });
  const old = (options: object = {}): Pass =>
    expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day', ...options } as never);

  async function run(pass: Pass, options: EngineOptions): Promise<LedgerReport['passes'][number]> {
    const { passes } = await runEngine(database.url, makePolicy(pass), options);
    if (passes[0] === undefined) throw new Error('no pass');
    return passes[0];
  }

  async function hold(pass: Pass, entity: string, rows: { key: string } | { filter: object }): Promise<void> {
    const opened = await openDatabase(database.url);
    await addHold(opened, makePolicy(pass), { entity, rows, reason: 'a lawsuit', who: 'ann', until: null });
    await opened.close();
  }

  test.each(WAYS)('a held row stays, and so does what it would go with: %j', async (options) => {
    await make('job', 'delete from file where job_id = old.id');
    await hold(old(), 'File', { key: '2' });
    await hold(old(), 'File', { filter: { id: 4 } });
    expect(await run(old(), options)).toMatchObject({ deleted: { job: 3, step: 27 }, blocked: 2 });
    expect(await database.ids('job')).toEqual([2, 4, 6]);
    expect(await database.ids('file')).toEqual([2, 4, 6]);
    expect(await database.ids('step')).toHaveLength(27);
  });

  test('a hold on a table that is dropped by then keeps nothing from being deleted', async () => {
    await make('job', 'delete from step where id = old.id');
    await hold(old(), 'File', { key: '2' });
    await database.execute('drop table file');
    expect(await run(old(), {})).toMatchObject({ deleted: { job: 5, step: 45 }, blocked: 0 });
  });

  test('a held row stays if a trigger of orphans would delete it', async () => {
    await make('step', 'delete from file where id = old.id - 10');
    await database.execute(
      name === 'SQLite' ? 'pragma foreign_keys = off' : 'alter table step drop constraint step_job_id_fkey',
    );
    await database.execute('delete from job where id = 1');
    const lost = deleteOrphans({ name: 'lost', entity: Step, by: 'jobId', parent: Job, age: 'at' });
    await hold(lost, 'File', { key: '3' });
    expect(await run(lost, {})).toMatchObject({ deleted: { step: 8 }, blocked: 1 });
    expect(await database.ids('file')).toEqual([3]);
    expect((await database.ids('step')).filter((id) => id < 20)).toEqual([13]);
  });

  test.each(WAYS)(
    'a row that a trigger makes young while its children go stays whole: %j',
    async (options) => {
      await make('step', `update job set at = ${daysAgo(0)} where id = old.job_id and id in (2, 4)`);
      // The children are deleted first, since a foreign key forbids the other order.
      const owned = old({ with: [softChild({ entity: Step, by: 'jobId' })] });
      expect(await run(owned, options)).toMatchObject({ deleted: { job: 3, step: 27 }, blocked: 2 });
      expect(await database.ids('job')).toEqual([2, 4, 6]);
      expect(await database.ids('step')).toHaveLength(27);
    },
  );

  test('a row is not drained if that would make it young', async () => {
    await make('step', `update job set at = ${daysAgo(0)} where id = old.job_id`);
    expect(await run(old(), { size: 2, lockFirst: true })).toMatchObject({ deleted: { job: 5, step: 45 } });
    expect(await database.ids('job')).toEqual([6]);
    expect(await database.ids('step')).toHaveLength(9);
  });

  test('rows of its tables that a trigger deletes are counted, and a preview says that it does not know them', async () => {
    await make('job', 'delete from step where job_id = 6 and id = old.id + 60');
    const opened = await openDatabase(database.url);
    const { passes } = await previewPolicy(opened, makePolicy(old()), ['old']);
    await opened.close();
    expect(passes[0]).toMatchObject({
      deleted: { job: 5, step: 45 },
      bounds: [{ rows: 'about', here: 'trigger writer of table job' }],
    });
    expect(await run(old(), { size: 2 })).toMatchObject({ deleted: { job: 5, step: 50 }, blocked: 0 });
    expect(await database.ids('step')).toEqual([66, 67, 68, 69]);
  });

  test('a row whose trigger calls itself for ever stays, and the others go', async () => {
    // SQLite does not fire a trigger within itself, unless it is asked to.
    if (name === 'SQLite') return;
    await database.execute(`
      create function recurse() returns trigger language plpgsql as $$
        begin if old.id in (15, 35) then delete from step where id = old.id; end if; return old; end $$;
      create trigger recursing before delete on step for each row execute function recurse()`);
    expect(await run(old(), { size: 3 })).toMatchObject({ deleted: { job: 3, step: 27 }, blocked: 2 });
    expect(await database.ids('job')).toEqual([1, 3, 6]);
  });

  test('a trigger that writes elsewhere only changes nothing', async () => {
    await database.execute('create table audit (id integer)');
    await make('job', 'insert into audit values (old.id)');
    const opened = await openDatabase(database.url);
    const { passes } = await previewPolicy(opened, makePolicy(old()), ['old']);
    await opened.close();
    expect(passes[0]?.bounds).toEqual([]);
  });
});
