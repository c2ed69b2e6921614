import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { PreviewedPass } from '../../../activities/stored/report.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
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
  properties: { id: p.integer().primary(), jobId: p.integer().nullable() },
});
const File = defineEntity({
  name: 'File',
  tableName: 'file',
  properties: { id: p.integer().primary(), jobId: p.integer().nullable() },
});

const WAYS: EngineOptions[] = [
  { size: 2, lockFirst: true },
  { scan: 'by-location', size: 4 },
];

const old = (options: object = {}): Policy =>
  definePolicy({
    name: 'p',
    enabled: true,
    entities: [Job, Step, File],
    limits: { maxPercent: 100 },
    passes: [expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day', ...options } as never)],
  });

// Jobs 1 to 5 are old and have two steps each; file n belongs to job n, and only what a trigger calls knows.
describe.each(DIALECTS)('what the triggers of %s reach besides', (name, open) => {
  const isSqlite = name === 'SQLite';
  let database: EitherDatabase;

  beforeEach(async () => {
    const moment = isSqlite ? 'datetime' : 'timestamptz';
    const ids = [1, 2, 3, 4, 5, 6];
    database = await open(`
      create table job (id integer primary key, at ${moment} not null);
      create table step (id integer primary key, job_id integer references job on delete cascade);
      create table file (id integer primary key, job_id integer);
      create table audit (id integer primary key, note text);
      create index step_job on step (job_id);
      insert into job values ${ids.map((id) => `(${id}, ${daysAgo(id === 6 ? 0 : 9)})`).join(', ')};
      insert into step values ${ids.map((id) => `(${10 * id + 1}, ${id}), (${10 * id + 2}, ${id})`).join(', ')};
      insert into file select id, id from job`);
  });
  afterEach(async () => database.drop());

  /** Makes a trigger after the delete of a row; `text` are the statements of its function. */
  async function fire(table: string, text: string, before = ''): Promise<void> {
    await database.execute(
      isSqlite
        ? `${before} create trigger firing after delete on ${table} begin ${text} end`
        : `${before}
           create function fire() returns trigger language plpgsql as $fire$ begin ${text} return null; end $fire$;
           create trigger firing after delete on ${table} for each row execute function fire()`,
    );
  }

  async function preview(policy = old()): Promise<PreviewedPass | undefined> {
    const opened = await openDatabase(database.url);
    const { passes } = await previewPolicy(opened, policy, ['old']);
    await opened.close();
    return passes[0];
  }

  async function hold(key: string): Promise<void> {
    const opened = await openDatabase(database.url);
    const held = { entity: 'File', rows: { key }, reason: 'a lawsuit', who: 'ann', until: null };
    await addHold(opened, old(), held);
    await opened.close();
  }

  /** Files 2 and 4 are held: their jobs stay with all that is theirs, and the others go. */
  async function expectHeldStay(options: EngineOptions): Promise<void> {
    await hold('2');
    await hold('4');
    expect(await preview()).toMatchObject({
      bounds: [{ rows: 'about', here: 'trigger firing of table job' }],
    });
    const { passes } = await runEngine(database.url, old(), options);
    expect(passes[0]).toMatchObject({ deleted: { job: 3, step: 6 }, blocked: 2 });
    expect(await database.ids('job')).toEqual([2, 4, 6]);
    expect(await database.ids('step')).toEqual([21, 22, 41, 42, 61, 62]);
    expect(await database.ids('file')).toEqual([2, 4, 6]);
  }

  test.each(WAYS)(
    'a held row stays if the trigger of a table that a trigger writes would delete it: %j',
    async (options) => {
      const purge = 'delete from file where job_id = new.id;';
      await fire(
        'job',
        `insert into audit values (old.id, 'gone');`,
        isSqlite
          ? `create trigger audited after insert on audit begin ${purge} end;`
          : `create function purge() returns trigger language plpgsql as $$ begin ${purge} return null; end $$;
           create trigger audited after insert on audit for each row execute function purge();`,
      );
      await expectHeldStay(options);
    },
  );

  if (isSqlite) {
    test.each(WAYS)('the same if a new row would replace it: %j', async (options) => {
      await database.execute(`
        drop table file;
        create table file (id integer primary key, job_id integer unique on conflict /* the older one */ replace);
        insert into file select id, id from job`);
      await fire('job', 'insert into file values (100 + old.id, old.id);');
      await hold('2');
      await hold('4');
      expect((await preview())?.bounds).toMatchObject([
        { rows: 'about', here: 'trigger firing of table job' },
      ]);
      const { passes } = await runEngine(database.url, old(), options);
      expect(passes[0]).toMatchObject({ blocked: 2 });
      expect(await database.ids('job')).toEqual([2, 4, 6]);
      expect(await database.ids('file')).toEqual([2, 4, 6, 101, 103, 105]);
    });
  }

  test('the same through a view', async () => {
    const purge = 'delete from file where job_id = new.id;';
    await fire(
      'job',
      `insert into noted (id) values (old.id);`,
      isSqlite
        ? `create view noted as select id from audit;
           create trigger seen instead of insert on noted begin ${purge} end;`
        : `create view noted as select id from audit;
           create function purge() returns trigger language plpgsql as $$ begin ${purge} return null; end $$;
           create trigger seen instead of insert on noted for each row execute function purge();`,
    );
    await expectHeldStay({ size: 2 });
  });

  test('the same by a foreign key that updates along', async () => {
    const purge = 'delete from file where job_id = old.id;';
    const update = `update audit set note = 'gone ' || id where id = old.id;`;
    await database.execute(`
      create unique index note on audit (note);
      create table page (id integer primary key, note text references audit (note) on update cascade);
      insert into audit select id, 'x' || id from job;
      insert into page select id, note from audit`);
    await fire(
      'job',
      update,
      isSqlite
        ? `create trigger paged after update on page begin ${purge} end;`
        : `create function purge() returns trigger language plpgsql as $$ begin ${purge} return null; end $$;
           create trigger paged after update on page for each row execute function purge();`,
    );
    await expectHeldStay({ size: 2 });
  });

  test('a trigger of a written table that comes during a run is seen', async () => {
    await fire('job', `insert into audit values (old.id, 'gone');`);
    expect((await preview())?.bounds).toEqual([]);
    await hold('4');
    const purge = 'delete from file where job_id = new.id;';
    const change = isSqlite
      ? `create trigger audited after insert on audit begin ${purge} end`
      : `create function purge() returns trigger language plpgsql as $$ begin ${purge} return null; end $$;
         create trigger audited after insert on audit for each row execute function purge()`;
    let batches = 0;
    const run = runEngine(database.url, old(), {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        if (batches === 2) await database.execute(change);
      },
    });
    await expect(run).rejects.toThrow('the schema changed since the run started');
    expect(await database.ids('file')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await database.ids('job')).toEqual([3, 4, 5, 6]);
  });

  test('a row stays whole if what its children fire makes it young, in a table that decides its age', async () => {
    await database.execute(`
      create table seen (id integer primary key, at ${isSqlite ? 'datetime' : 'timestamptz'});
      insert into seen select id, at from job;
      alter table job add seen_id integer;
      update job set seen_id = id`);
    await fire('step', `update seen set at = ${daysAgo(0)} where id = old.job_id and id in (2, 4);`);
    const Seen = defineEntity({
      name: 'Seen',
      tableName: 'seen',
      properties: { id: p.integer().primary(), at: p.datetime() },
    });
    const Seer = defineEntity({
      name: 'Seer',
      tableName: 'job',
      properties: { id: p.integer().primary(), at: p.datetime(), seen: () => p.manyToOne(Seen) },
    });
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Seer, Seen, Step],
      limits: { maxPercent: 100 },
      passes: [
        expireRows({
          name: 'old',
          entity: Seer,
          age: 'at',
          olderThan: '1 day',
          where: { seen: { at: { $lt: new Date(Date.now() - 86_400_000) } } },
          with: [softChild({ entity: Step, by: 'jobId' })],
        }),
      ],
    });
    const { passes } = await runEngine(database.url, policy, { size: 2 });
    expect(passes[0]).toMatchObject({ deleted: { job: 3, step: 6 }, blocked: 2 });
    expect(await database.ids('job')).toEqual([2, 4, 6]);
    expect(await database.ids('step')).toEqual([21, 22, 41, 42, 61, 62]);
  });

  if (isSqlite) return;

  const perform = 'perform purge(old.id);';
  // What the trigger calls, and how.
  const CALLED: [string, string, string][] = [
    [
      'a function of a function, which call one another',
      `create function purge(job integer, again boolean default true) returns void language plpgsql as $$
         begin if again then perform purge_files(job); end if; end $$;
       create function purge_files(job integer) returns void language plpgsql as $$
         begin delete from file where job_id = job; perform purge(job, false); end $$;`,
      perform,
    ],
    [
      'a function in SQL',
      `create function purge(job integer) returns void language sql as 'delete from file where job_id = job';`,
      perform,
    ],
    [
      'a function in SQL with a body that is no text',
      `create function purge(job integer) returns void language sql
       begin atomic delete /* all */ from file where job_id = job; end;`,
      perform,
    ],
    [
      'a function that a body calls which is no text',
      `create schema deep; create function deep."Purge!"(job integer) returns void language plpgsql as $$
         begin delete from file where job_id = job; end $$;
       create function purge(job integer) returns void language sql begin atomic select deep."Purge!"(job); end;`,
      perform,
    ],
    [
      'a procedure',
      `create procedure purge(job integer) language plpgsql as $$ begin delete from file where job_id = job; end $$;`,
      'call purge(old.id);',
    ],
    [
      'a function of another schema, with a name in quotes',
      `create schema deep; create function deep."Purge It"(job integer) returns void language plpgsql as $$
         begin delete -- all
         from file where job_id = job; end $$;`,
      'perform deep . "Purge It" (old.id);',
    ],
    [
      'a statement that is made at run time',
      `create function purge(job integer) returns void language plpgsql as $$
         begin execute format('%s from file where job_id = %s', 'delete', job); end $$;`,
      perform,
    ],
    [
      'a rule of a table that it writes',
      `create rule noted as on insert to audit do also delete from file where job_id = new.id;
       create function purge(job integer) returns void language sql as 'insert into audit values (job)';`,
      perform,
    ],
    [
      'a trigger of a partition',
      `create table log (id integer, at timestamptz default now()) partition by range (at);
       create table log_all partition of log default;
       create function purge() returns trigger language plpgsql as $$
         begin delete from file where job_id = new.id; return null; end $$;
       create trigger logged after insert on log_all for each row execute function purge();`,
      'insert into log values (old.id);',
    ],
    [
      'a trigger that fires when the transaction ends',
      `create function purge() returns trigger language plpgsql as $$
         begin delete from file where job_id = new.id; return null; end $$;
       create constraint trigger late after insert on audit deferrable initially deferred
         for each row execute function purge();`,
      `insert into audit values (old.id, 'gone');`,
    ],
  ];

  test.each(CALLED)('a held row stays if what a trigger calls would delete it: %s', async (_, made, call) => {
    await fire('job', call, made);
    await expectHeldStay({ size: 2 });
  });

  test('an error that a called function raises is told by the preview', async () => {
    await fire(
      'job',
      'perform refuse(old.id);',
      `create function refuse(job integer) returns void language plpgsql as $$
         begin if job = 3 then raise exception 'no'; end if; end $$;`,
    );
    expect((await preview())?.bounds).toMatchObject([
      { rows: 'at most', here: 'trigger firing of table job' },
    ]);
    const { passes } = await runEngine(database.url, old(), { size: 2 });
    expect(passes[0]).toMatchObject({ deleted: { job: 4, step: 8 }, blocked: 1 });
    expect(await database.ids('job')).toEqual([3, 6]);
  });

  test('a function in a language that cannot be read may do anything', async () => {
    await database.execute(`
      create function unread() returns trigger language c as '$libdir/plpgsql', 'plpgsql_call_handler';
      create trigger firing after delete on job for each row execute function unread()`);
    expect((await preview())?.bounds).toMatchObject([
      { rows: 'about', here: 'trigger firing of table job' },
      { rows: 'at most', here: 'trigger firing of table job' },
    ]);
  });

  test('a called function that writes elsewhere only changes nothing, and neither does another of that name', async () => {
    await fire(
      'job',
      `perform count(*) from audit; perform note(old.id);`,
      `create function note(job integer) returns void language plpgsql as $$
         begin raise notice 'gone %', job; insert into audit values (job, 'gone'); end $$;`,
    );
    expect(await preview()).toMatchObject({ deleted: { job: 5, step: 10 }, bounds: [] });
    const { passes } = await runEngine(database.url, old(), { size: 2 });
    expect(passes[0]).toMatchObject({ deleted: { job: 5, step: 10 }, blocked: 0 });
    expect(await database.ids('audit')).toEqual([1, 2, 3, 4, 5]);
  });

  test('a called function that is replaced during a run ends it before a held row goes', async () => {
    const purge = (text: string): string => `
      create or replace function purge(job integer) returns void language plpgsql as $$ begin ${text} end $$;`;
    await fire('job', 'perform purge(old.id);', purge('insert into audit values (job);'));
    await hold('4');
    let batches = 0;
    const run = runEngine(database.url, old(), {
      size: 1,
      afterBatch: async () => {
        batches += 1;
        if (batches === 2) await database.execute(purge('delete from file where job_id = job;'));
      },
    });
    await expect(run).rejects.toThrow('the schema changed since the run started');
    expect(await database.ids('file')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await database.ids('job')).toEqual([3, 4, 5, 6]);
  });
});
