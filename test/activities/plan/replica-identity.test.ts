import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

// A published table without a replica identity, or with a filter outside of it: the server refuses each delete and update.

const Job = defineEntity({ name: 'Job', properties: { id: p.integer().primary(), at: p.datetime() } });
const Log = defineEntity({
  name: 'Log',
  properties: { id: p.integer().primary(), jobId: p.integer(), kind: p.string(), at: p.datetime() },
});
const Newest = defineEntity({
  name: 'Newest',
  properties: { kind: p.string().primary(), logId: p.integer().nullable() },
});
const Part = defineEntity({ name: 'Part', properties: { id: p.integer().primary(), jobId: p.integer() } });
const latest = latestPointer({ holder: Newest, pointer: 'logId', target: Log, group: 'kind', newest: 'at' });
const old = { name: 'old', entity: Job, age: 'at', olderThan: '1 day' } as const;

const CASES: readonly (readonly [string, string, string, Pass])[] = [
  ['without a key', 'job', 'alter table job drop constraint job_pkey cascade', expireRows(old)],
  ['with none', 'job', 'alter table job replica identity nothing', expireRows(old)],
  [
    'of what cascades',
    'part',
    `create table part (job_id integer references job on delete cascade, id integer)`,
    expireRows(old),
  ],
  [
    'of what cascades from unreferenced rows',
    'part',
    `create table part (job_id integer references job on delete cascade, id integer)`,
    deleteUnreferenced({
      name: 'old',
      entity: Job,
      age: 'at',
      ignore: [Part],
      references: [softReference({ entity: Log, by: 'jobId' })],
    }),
  ],
  [
    'of what is set to null',
    'part',
    `create table part (job_id integer references job on delete set null, id integer)`,
    expireRows(old),
  ],
  [
    'of a soft child',
    'log',
    'alter table log replica identity nothing',
    expireRows({ ...old, with: [softChild({ entity: Log, by: 'jobId' })] }),
  ],
  [
    'of a pointer that is repaired',
    'newest',
    'alter table newest replica identity nothing',
    expireRows({ ...old, with: [softChild({ entity: Log, by: 'jobId', repoint: [latest] })] }),
  ],
];

describe('a published table', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table job (id integer primary key, at timestamptz not null);
      create table log (id integer primary key, job_id integer, kind text, at timestamptz not null);
      create table newest (kind text primary key, log_id integer);
      create index on log (job_id);
      insert into job select n, now() - interval '9 days' from generate_series(1, 5) as n;
      insert into log select n, n, 'a', now() from generate_series(1, 5) as n;
      insert into newest values ('a', 5)`);
  });
  afterEach(async () => database.drop());

  async function expectRefused(pass: Pass, table: string, why: RegExp): Promise<void> {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Job, Log, Newest],
      limits: { maxPercent: 100 },
      passes: [pass],
    });
    const refusal = await runEngine(database.url, policy).catch((error: unknown) => error as Error);
    expect(refusal).toBeInstanceOf(Error);
    expect((refusal as Error).message).toMatch(why);
    expect((refusal as Error).message).toContain(`"${table}"`);
    expect(await database.value('select count(*) from job')).toBe(5);
    const opened = await openDatabase(database.url);
    try {
      const problems = (await examineDatabase(opened, policy)).filter(({ state }) => state === 'problem');
      expect(problems.map(({ what }) => what).join()).toMatch(why);
      const [previewed] = (await previewPolicy(opened, policy, ['old'])).passes;
      expect(previewed?.bounds.map(({ rows }) => rows)).toContain('at most');
    } finally {
      await opened.close();
    }
  }

  test.each(CASES)('%s is refused before a run, and named: %s', async (_, table, change, pass) => {
    await database.rows(change);
    await database.rows(`create publication pub for table ${table}`);
    await expectRefused(pass, table, /does not have a replica identity/);
  });

  test('with a row filter outside of its identity is refused, too', async () => {
    await database.rows(`create publication pub for table log where (kind = 'a')`);
    const pass = expireRows({ ...old, with: [softChild({ entity: Log, by: 'jobId' })] });
    await expectRefused(
      pass,
      'log',
      /Column used in the publication WHERE expression|cannot delete from table/,
    );
  });

  test.each([
    ['inserts alone', `with (publish = 'insert')`],
    ['deletes, with a key', ''],
  ])('of %s is deleted from', async (_, options) => {
    await database.rows(`create publication pub for table job ${options}`);
    if (options !== '') await database.rows('alter table job replica identity nothing');
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Job],
      limits: { maxPercent: 100 },
      passes: [expireRows(old)],
    });
    expect((await runEngine(database.url, policy)).deleted).toEqual({ job: 5 });
  });
});
