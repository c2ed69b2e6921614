import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { RowsKeptByTrigger } from '../../../activities/dialect/kept-by-trigger.ts';
import { describeBlocked } from '../../../activities/run/blocked-rows.ts';
import type { BatchOutcome } from '../../../activities/steps/batch-step.ts';
import { readRefusal } from '../../../activities/steps/isolate-rows.ts';
import type { StoredPass } from '../../../activities/stored/pass.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import type { TestFile } from '../../support/sqlite.ts';
import { createFile } from '../../support/sqlite.ts';

const Job = defineEntity({
  name: 'Job',
  properties: { id: p.integer().primary(), at: p.datetime(), parentId: p.integer().nullable() },
});
const Step = defineEntity({ name: 'Step', properties: { id: p.integer().primary(), jobId: p.integer() } });
const Line = defineEntity({ name: 'Line', properties: { id: p.integer().primary(), stepId: p.integer() } });
const ENTITIES = [Job, Step, Line];

const SCHEMA = `
  create table job (id integer primary key, at timestamptz not null, parent_id integer references job on delete set null, gone boolean);
  create table step (id integer primary key, job_id integer references job on delete cascade);
  create table line (id integer primary key, step_id integer references step on delete cascade);
  create index on job (at); create index on job (parent_id); create index on step (job_id); create index on line (step_id);
  insert into job select n, case when n > 20 then now() else now() - interval '9 days' - n * interval '1 minute' end from generate_series(1, 25) as n;
  insert into step select 10 * n + m, n from generate_series(1, 25) as n, generate_series(0, 2) as m;
  insert into line select 10 * id + m, id from step, generate_series(0, 1) as m;
  analyze`;

/** A trigger that keeps some rows, by a function that does `first`. */
function keep(table: string, which: string, first = '', on = 'delete'): string {
  return `
    create function keep_${table}() returns trigger language plpgsql as $$
      begin
        if ${which} then ${first} return null; end if;
        if tg_op = 'DELETE' then return old; end if;
        return new;
      end $$;
    create trigger keeper before ${on} on ${table} for each row execute function keep_${table}()`;
}

const old = (options: object = {}): Pass =>
  expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day', ...options } as never);

const WAYS: EngineOptions[] = [{}, { size: 3 }, { scan: 'by-location' }, { lockFirst: true, size: 7 }];

describe('a row that a trigger keeps from being deleted', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(SCHEMA);
  });
  afterEach(async () => database.drop());

  async function run(pass: Pass, options: EngineOptions = {}): Promise<LedgerReport> {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: ENTITIES,
      limits: { maxPercent: 100 },
      passes: [pass],
    });
    return runEngine(database.url, policy, options);
  }

  async function ids(table: string): Promise<number[]> {
    return (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);
  }

  /** Runs a pass, and compares what it says with the real difference; `kept` are the old jobs that stay. */
  async function expectKept(pass: Pass, kept: readonly number[], options: EngineOptions = {}): Promise<void> {
    const stay = [...kept, 21, 22, 23, 24, 25];
    const report = await run(pass, options);
    const [{ deleted, blocked } = { deleted: {}, blocked: 0 }] = report.passes;
    expect({ deleted, blocked }).toEqual({
      deleted:
        kept.length === 20
          ? {}
          : { job: 20 - kept.length, step: 60 - 3 * kept.length, line: 120 - 6 * kept.length },
      blocked: kept.length,
    });
    expect(await ids('job')).toEqual(stay);
    expect(await ids('step')).toEqual(stay.flatMap((job) => [0, 1, 2].map((n) => 10 * job + n)));
    expect((await ids('line')).length).toBe(6 * stay.length);
  }

  test.each(WAYS)('stays as it is with all that belongs to it, and is counted as kept: %j', async (way) => {
    await database.rows(keep('job', 'old.id in (3, 12)', 'update job set gone = true where id = old.id;'));
    await expectKept(old(), [3, 12], way);
    expect(await database.value('select count(*) from job where gone')).toBe(0);
    // A second run ends as well, and takes what the trigger lets go by then.
    await database.rows('drop trigger keeper on job');
    expect((await run(old())).passes[0]?.deleted).toEqual({ job: 2, step: 6, line: 12 });
  });

  test.each(WAYS)('stays if it is deeper what the trigger keeps: %j', async (way) => {
    await database.rows(keep('line', 'old.step_id in (50, 121)'));
    await expectKept(old(), [5, 12], way);
    expect(
      await database.value(
        'select count(*) from line as l where not exists (select from step as s where s.id = l.step_id)',
      ),
    ).toBe(0);
  });

  test('is told of with the trigger by name', () => {
    const refusal = readRefusal(new RowsKeptByTrigger('trigger keeper of table step'));
    const stored = { table: { schema: 'public', name: 'job', label: 'job' } } as StoredPass;
    const outcome = { blocked: 1, refusals: [refusal] } as unknown as BatchOutcome;
    expect(describeBlocked({ passName: 'old', stored }, outcome)).toEqual([
      {
        what: 'pass old: rows stay that the database does not let go: a trigger keeps them, or what would be deleted or set to null with them',
        here: 'trigger keeper of table step',
      },
    ]);
  });

  test('stays if it is a soft child, also of children that are deleted first', async () => {
    await database.rows('alter table step drop constraint step_job_id_fkey');
    const pass = old({
      with: [softChild({ entity: Step, by: 'jobId', with: [softChild({ entity: Line, by: 'stepId' })] })],
    });
    await database.rows(keep('step', 'old.id = 70'));
    await expectKept(pass, [7]);
  });

  test('stays if the soft child belongs to a soft child', async () => {
    await database.rows(
      'alter table step drop constraint step_job_id_fkey; alter table line drop constraint line_step_id_fkey',
    );
    const pass = old({
      with: [softChild({ entity: Step, by: 'jobId', with: [softChild({ entity: Line, by: 'stepId' })] })],
    });
    await database.rows(keep('line', 'old.id = 700'));
    await expectKept(pass, [7], { size: 4 });
  });

  test('stays if the trigger keeps a reference that would be set to null', async () => {
    await database.rows(`update job set parent_id = id - 16 where id > 20`);
    await database.rows(keep('job', 'new.parent_id is null and old.id = 22', '', 'update'));
    await expectKept(old(), [6]);
    expect(await database.value('select parent_id from job where id = 22')).toBe(6);
    expect(await database.value('select count(parent_id) from job')).toBe(1);
  });

  test('stays if the trigger puts the reference back', async () => {
    await database.rows(`update job set parent_id = id - 16 where id > 20`);
    await database.rows(`
      create function put_back() returns trigger language plpgsql as
        'begin if old.id = 24 then new.parent_id := old.parent_id; end if; return new; end';
      create trigger keeper before update on job for each row execute function put_back()`);
    await expectKept(old(), [8], { size: 6 });
  });

  test('stays if rows are reached along several ways', async () => {
    await database.rows(`
      alter table step add root_id integer references job on delete cascade;
      update step set root_id = job_id;
      alter table line add job_id integer`);
    const pass = old({
      with: [softChild({ entity: Step, by: 'jobId', with: [softChild({ entity: Line, by: 'stepId' })] })],
    });
    await database.rows(keep('line', 'old.id = 700'));
    await expectKept(pass, [7], { size: 4 });
  });

  test('stays although its trigger deletes what belongs to it first, and others go', async () => {
    await database.rows(keep('job', 'old.id = 9', 'delete from step where job_id = old.id;'));
    await expectKept(old(), [9]);
  });

  test('ends no run if it is every row', async () => {
    await database.rows(keep('job', 'true', 'update job set gone = true where id = old.id;'));
    await expectKept(
      old(),
      Array.from({ length: 20 }, (_, n) => n + 1),
      { scan: 'by-location' },
    );
  });

  test('stays among rows that nothing references', async () => {
    await database.rows(
      'alter table job drop column parent_id; create table pin (job_id integer references job)',
    );
    await database.rows(keep('line', 'old.step_id = 30'));
    const pass = deleteUnreferenced({ name: 'unused', entity: Job, age: 'at', ignore: [Step] });
    const { passes } = await run(pass);
    expect(passes[0]).toMatchObject({ deleted: { job: 19, step: 57, line: 114 }, blocked: 1 });
    expect(await ids('job')).toEqual([3, 21, 22, 23, 24, 25]);
  });

  test('stays among orphans', async () => {
    await database.rows(`
      alter table step drop constraint step_job_id_fkey; alter table step add at timestamptz default now() - interval '9 days';
      delete from job where id <= 20`);
    await database.rows(keep('line', 'old.step_id = 30'));
    const Timed = defineEntity({
      name: 'Timed',
      tableName: 'step',
      properties: { id: p.integer().primary(), jobId: p.integer(), at: p.datetime() },
    });
    const pass = deleteOrphans({ name: 'lost', entity: Timed, by: 'jobId', parent: Job, age: 'at' });
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Job, Timed],
      limits: { maxPercent: 100 },
      passes: [pass],
    });
    for (const size of [4, 100]) {
      const { passes } = await runEngine(database.url, policy, { size });
      expect(passes[0]).toMatchObject({ deleted: size === 4 ? { step: 59, line: 118 } : {}, blocked: 1 });
      expect((await ids('step'))[0]).toBe(30);
    }
  });

  test('is not looked for if every trigger lets rows go, whatever else it does', async () => {
    await database.rows(`
      create table log (id integer);
      create function note() returns trigger language plpgsql as
        'begin insert into log values (old.id); Return  OLD ; end';
      create function touch() returns trigger language plpgsql as
        'begin new.gone := true; return coalesce(new, old); end';
      create function keep() returns trigger language plpgsql as 'begin return null; end';
      create trigger a before delete on step for each row execute function note();
      create trigger b before update on job for each row execute function touch();
      create trigger d before delete on job for each row execute function note();
      create trigger c after delete on line for each row execute function keep()`);
    await expectKept(old(), []);
    expect(await database.value(`select count(*) from vacuum.pass where stored ? 'watched'`)).toBe(0);
  });
});

describe('a row that a trigger of SQLite keeps', () => {
  let file: TestFile;

  beforeEach(() => {
    file = createFile(`
      create table job (id integer primary key, at datetime not null, parent_id integer references job on delete set null);
      create table step (id integer primary key, job_id integer references job on delete cascade);
      create table line (id integer primary key, step_id integer references step on delete cascade);
      create index job_at on job (at); create index step_job on step (job_id); create index line_step on line (step_id);
      insert into job (id, at) values (1, '2020-01-01'), (2, '2020-01-02'), (3, '2020-01-03'), (4, '2100-01-01');
      insert into step select 10 * id, id from job;
      insert into line select 10 * id, id from step;`);
  });
  afterEach(() => file.drop());

  test.each([
    ['itself', 'before delete on job when old.id = 2'],
    ['deeper', 'before delete on line when old.step_id = 20'],
  ])('stays with all that belongs to it: %s', async (_, when) => {
    file.execute(`create trigger keeper ${when} begin select raise(ignore); end`);
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: ENTITIES,
      limits: { maxPercent: 100 },
      passes: [old()],
    });
    const { passes } = await runEngine(file.url, policy);
    expect(passes[0]).toMatchObject({ deleted: { job: 2, step: 2, line: 2 }, blocked: 1 });
    for (const [table, left] of [
      ['job', [2, 4]],
      ['step', [20, 40]],
      ['line', [200, 400]],
    ] as const) {
      expect(file.rows(`select id from ${table} order by id`)).toEqual(left.map((id) => ({ id })));
    }
  });
});
