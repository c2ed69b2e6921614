import { tmpdir } from 'node:os';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { fileRoot, recordedPath } from '../../../policy/file-root.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import { parentAge } from '../../../policy/parent-age.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';

const id = () => p.integer().primary();
const Team = defineEntity({
  name: 'Team',
  tableName: 'team',
  properties: { id: id(), days: p.integer().nullable(), at: p.datetime(), kind: p.string() },
});
const Job = defineEntity({
  name: 'Job',
  tableName: 'job',
  properties: { id: id(), at: p.datetime(), team: () => p.manyToOne(Team).nullable() },
});
const Step = defineEntity({
  name: 'Step',
  tableName: 'step',
  properties: { id: id(), jobId: p.integer().nullable(), at: p.datetime(), path: p.string().nullable() },
});
const ENTITIES = [Team, Job, Step];

const SCHEMA = `
  create table team (id integer primary key, days integer, at timestamptz not null, kind text not null);
  create table job (id integer primary key, at timestamptz not null, team_id integer);
  create table step (id integer primary key, job_id integer, at timestamptz not null, path text);
  insert into team values (1, 1, now() - interval '9 days', 'old');
  insert into job select n, now() - interval '9 days', 1 from generate_series(1, 6) as n;
  insert into step select n, n, now() - interval '9 days', 'a' from generate_series(1, 6) as n`;

const root = fileRoot({
  name: 'files',
  store: localDisk(tmpdir()),
  recordedBy: [recordedPath({ entity: Step, path: 'path' })],
});
const expiring = (options: object = {}): Pass =>
  expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day', ...options } as never);

/** Passes, and the table of which policies hide rows that the pass must see. */
const PASSES: readonly (readonly [string, string, Pass])[] = [
  ['of its own', 'job', expiring()],
  ['of a soft child', 'step', expiring({ with: [softChild({ entity: Step, by: 'jobId' })] })],
  ['with an age', 'team', expiring({ age: parentAge({ parent: Team, by: 'team', age: 'at' }) })],
  [
    'with a retention',
    'team',
    expiring({ olderThan: { parent: Team, by: 'team', column: 'days', unit: 'days', default: '1 day' } }),
  ],
  ['that its filter reads', 'team', expiring({ where: { team: { kind: 'old' } } })],
  ['of parents', 'job', deleteOrphans({ name: 'lost', entity: Step, by: 'jobId', parent: Job, age: 'at' })],
  [
    'that reference',
    'step',
    deleteUnreferenced({
      name: 'unused',
      entity: Job,
      age: 'at',
      references: [softReference({ entity: Step, by: 'jobId' })],
    }),
  ],
  [
    'that a pointer may name',
    'team',
    repointLatest({
      name: 'newest',
      pointer: latestPointer({
        holder: Job,
        pointer: 'team',
        target: Team,
        group: 'id',
        newest: 'at',
      } as never),
    }),
  ],
  ['that record files', 'step', sweepStrayFiles({ name: 'strays', root, remove: true })],
];

describe('rows that row-level security hides from the role', () => {
  let database: TestDatabase;
  let url: string;
  let role: string;

  beforeEach(async () => {
    database = await createDatabase('template0');
    role = `tenant_${database.name}`;
    await database.rows(`
      ${SCHEMA};
      create role ${role} login;
      grant select, update, delete on team, job, step to ${role};
      grant create on database ${database.name} to ${role}`);
    const own = new URL(database.url);
    own.username = role;
    url = own.toString();
  });
  afterEach(async () => {
    await database.rows(`drop owned by ${role} cascade; drop role ${role}`);
    await database.drop();
  });

  /** Policies that show the even rows only. */
  const hide = (table: string): string => `
    alter table ${table} enable row level security;
    create policy even on ${table} using (id % 2 = 0)`;

  const makePolicy = (pass: Pass): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: ENTITIES,
      limits: { maxPercent: 100 },
      passes: [pass],
    });

  async function run(pass: Pass, options: EngineOptions = {}): Promise<string> {
    return runEngine(url, makePolicy(pass), options).then(
      ({ passes }) => `deleted ${passes[0]?.rows}, blocked ${passes[0]?.blocked}`,
      (error: Error) => error.message,
    );
  }

  const count = async (table: string): Promise<number> => database.value(`select count(*) from ${table}`);

  test.each(PASSES)('%s (%s): the pass is refused, and doctor says so', async (_, table, pass) => {
    await database.rows(hide(table));
    expect(await run(pass)).toMatch(
      new RegExp(
        `row-level security .*table .?${table}.*bypassrls|row-level security .*bypassrls.*table ${table}`,
        's',
      ),
    );
    const opened = await openDatabase(url);
    const findings = await examineDatabase(opened, makePolicy(pass));
    await opened.close();
    const problems = findings.filter(({ state }) => state === 'problem').map(({ what }) => what);
    expect(problems.join('; ')).toContain('row-level security');
    expect([await count('team'), await count('job'), await count('step')]).toEqual([1, 6, 6]);
  });

  test('that cascade along: the pass is refused', async () => {
    await database.rows(`
      alter table step add foreign key (job_id) references job on delete cascade; ${hide('step')}`);
    expect(await run(expiring())).toContain('row-level security hides some rows that go by cascade');
    expect([await count('job'), await count('step')]).toEqual([6, 6]);
  });

  test('that forbid a delete: what they reference stays whole, and a preview says that it cannot know', async () => {
    await database.rows(`
      create table part (id integer primary key, job_id integer references job on delete cascade);
      insert into part select n, 1 + n % 6 from generate_series(1, 60) as n;
      grant select, delete on part to ${role};
      delete from step where id > 1;
      alter table step add foreign key (job_id) references job; ${hide('step')}`);
    const opened = await openDatabase(url);
    const preview = await previewPolicy(opened, makePolicy(expiring()), ['old']);
    await opened.close();
    expect(preview.passes[0]?.deleted).toEqual({ job: 6, part: 60 });
    expect(preview.passes[0]?.bounds).toMatchObject([
      { rows: 'at most', here: 'constraint step_job_id_fkey of table step' },
    ]);
    expect(await run(expiring(), { lockFirst: true, size: 3 })).toBe('deleted 55, blocked 1');
    expect(await database.value('select count(*) from part where job_id = 1')).toBe(10);
  });

  test('that are set to null: they are', async () => {
    await database.rows(`
      alter table step add foreign key (job_id) references job on delete set null; ${hide('step')}`);
    expect(await run(expiring())).toBe('deleted 6, blocked 0');
    expect(await database.value('select count(*) from step where job_id is null')).toBe(6);
  });

  test.each([
    ['of its own', hide('job')],
    [
      'of its own, although the role owns the table',
      `${hide('job')}; alter table job force row level security`,
    ],
  ])(
    '%s, from the second batch on: the pass ends with the reason, and nothing more goes',
    async (_, change) => {
      let batches = 0;
      const message = await run(expiring(), {
        size: 1,
        afterBatch: async () => {
          batches += 1;
          if (batches === 1) await database.rows(change);
        },
      });
      expect(message).toContain('row-level security');
      expect(await count('job')).toBe(5);
    },
  );
});
