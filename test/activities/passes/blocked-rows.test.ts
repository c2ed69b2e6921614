import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';

const Version = defineEntity({
  name: 'Version',
  properties: { id: p.integer().primary(), at: p.datetime(), parentId: p.integer().nullable() },
});
const Task = defineEntity({
  name: 'Task',
  properties: { id: p.integer().primary(), versionId: p.integer().nullable(), at: p.datetime() },
});
const Owner = defineEntity({ name: 'Owner', properties: { id: p.integer().primary() } });

function makePolicy(...passes: Pass[]): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Version, Task, Owner],
    limits: { maxPercent: 100 },
    passes,
  });
}

function expiring(options: object = {}): Pass {
  return expireRows({ name: 'old', entity: Version, age: 'at', olderThan: '90 days', ...options });
}

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
});
afterEach(async () => database.drop());

/** Versions 1 to `old` are past their time, the oldest first; the next ten are not. */
async function fillVersions(old: number): Promise<void> {
  await database.rows(`
    create table version (id integer primary key, at timestamptz not null, parent_id integer);
    create index on version (at);
    create index on version (parent_id);
    insert into version select n, now() - interval '100 days' - (${old} - n) * interval '1 minute'
    from generate_series(1, ${old}) as n;
    insert into version select ${old} + n, now() from generate_series(1, 10) as n;
    analyze`);
}

async function left(table = 'version'): Promise<number[]> {
  const rows = await database.rows<{ id: number }>(`select id from ${table} order by id`);
  return rows.map(({ id }) => id);
}

interface Counts {
  readonly deleted: Readonly<Record<string, number>>;
  readonly blocked: number;
}

async function preview(policy: Policy): Promise<Counts[]> {
  const open = await openDatabase(database.url);
  try {
    const { passes } = await previewPolicy(
      open,
      policy,
      policy.passes.map(({ name }) => name),
    );
    return passes.map(({ deleted, blocked }) => ({ deleted, blocked }));
  } finally {
    await open.close();
  }
}

async function explain(policy: Policy, entity: string, key: string): Promise<string[]> {
  const open = await openDatabase(database.url);
  try {
    const { passes } = await explainRow(open, policy, entity, key);
    return passes.flatMap(({ goes, reasons }) => (goes ? ['goes'] : reasons.map(({ why }) => why)));
  } finally {
    await open.close();
  }
}

function counts({ passes }: LedgerReport): Counts[] {
  return passes.map(({ deleted, blocked }) => ({ deleted, blocked }));
}

/** Previews and runs a policy, and compares both with the real difference. */
async function expectRun(policy: Policy, expected: Counts, options: EngineOptions = {}): Promise<void> {
  const foreseen = await preview(policy);
  const report = await runEngine(database.url, policy, options);
  expect({ foreseen, done: counts(report) }).toEqual({ foreseen: [expected], done: [expected] });
}

const SCANS: [string, EngineOptions][] = [
  ['in page ranges', { scan: 'by-location' }],
  ['by age', { scan: 'by-age' }],
  ['by age in batches of 7', { scan: 'by-age', size: 7 }],
  ['in page ranges in batches of 7', { scan: 'by-location', size: 7 }],
  ['locked first', { lockFirst: true, size: 50 }],
];

describe('one row that another one references stops no other', () => {
  test.each(SCANS)('%s', async (_, options) => {
    await fillVersions(300);
    await database.rows(`
      create table task (id integer primary key, version_id integer references version on delete restrict, at timestamptz);
      insert into task values (1, 150, now()), (2, 305, now()), (3, null, now())`);
    const policy = makePolicy(expiring());
    await expectRun(policy, { deleted: { version: 299 }, blocked: 1 }, options);
    expect(await left()).toEqual([150, ...Array.from({ length: 10 }, (__, n) => 301 + n)]);
    expect(await explain(policy, 'Version', '150')).toEqual(['referenced']);
    await expectRun(policy, { deleted: {}, blocked: 1 }, options);
    await database.rows('delete from task where id = 1');
    await expectRun(policy, { deleted: { version: 1 }, blocked: 0 }, options);
  });

  test('although no index leads to it', async () => {
    await fillVersions(300);
    await database.rows(`
      create table task (id integer primary key, version_id integer references version, at timestamptz);
      insert into task select n, n * 2, now() from generate_series(1, 100) as n`);
    await expectRun(makePolicy(expiring()), { deleted: { version: 200 }, blocked: 100 });
  });

  test('when it references what is deleted along', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer references version on delete cascade, at timestamptz);
      create index on task (version_id);
      create table owner (id integer primary key, task_id integer references task);
      create index on owner (task_id);
      insert into task select n, n, now() from generate_series(1, 100) as n;
      insert into owner values (1, 40)`);
    const policy = makePolicy(expiring());
    await expectRun(policy, { deleted: { version: 99, task: 99 }, blocked: 1 });
    expect(await explain(policy, 'Version', '40')).toEqual(['referenced']);
  });

  test('when it references a soft child', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer, at timestamptz);
      create index on task (version_id);
      create table owner (id integer primary key, task_id integer references task);
      create index on owner (task_id);
      insert into task select n, n, now() from generate_series(1, 100) as n;
      insert into owner values (1, 40)`);
    const policy = makePolicy(expiring({ with: [softChild({ entity: Task, by: 'versionId' })] }));
    await expectRun(policy, { deleted: { version: 99, task: 99 }, blocked: 1 });
  });

  test('when soft children reference rows of the pass, other ones than theirs', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer, seen_id integer references version, at timestamptz);
      create index on task (version_id);
      create index on task (seen_id);
      insert into task select n, n, case n when 1 then 20 when 21 then null else n - 1 end, now() from generate_series(1, 100) as n;
      insert into task values (101, 101, 40);
      update task set seen_id = null where id = 40`);
    // The tasks of 1 to 20 name them in a circle. Task 101 stays, and version 40 with it.
    const policy = makePolicy(expiring({ with: [softChild({ entity: Task, by: 'versionId' })] }));
    await expectRun(policy, { deleted: { version: 99, task: 99 }, blocked: 1 }, { size: 7 });
    expect(await left('task')).toEqual([40, 101]);
  });

  test('among orphans', async () => {
    await database.rows(`
      create table owner (id integer primary key);
      create table task (id integer primary key, version_id integer, at timestamptz not null);
      create index on task (version_id);
      create table version (id integer primary key, at timestamptz, parent_id integer references task);
      insert into task select n, 7, now() - interval '9 days' from generate_series(1, 60) as n;
      insert into version values (1, now(), 30)`);
    const pass = deleteOrphans({ name: 'lost', entity: Task, by: 'versionId', parent: Owner, age: 'at' });
    for (const scan of ['by-location', 'by-parent-key'] as const) {
      await database.rows(
        `insert into task select n, 7, now() - interval '9 days' from generate_series(100, 140) as n on conflict do nothing`,
      );
      const foreseen = await preview(makePolicy(pass));
      const done = counts(await runEngine(database.url, makePolicy(pass), { scan, size: 8 }));
      expect(done).toEqual(foreseen);
      expect(done[0]?.blocked).toBe(1);
      expect(await left('task')).toEqual([30]);
    }
  });

  test('among what goes with rows that nothing references', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer references version on delete cascade, at timestamptz);
      create index on task (version_id);
      create table owner (id integer primary key, task_id integer references task);
      create index on owner (task_id);
      insert into task select n, n, now() from generate_series(1, 100) as n;
      insert into owner values (1, 40)`);
    const pass = deleteUnreferenced({
      name: 'unused',
      entity: Version,
      age: 'at',
      grace: '30 days',
      ignore: [Task],
      references: [softReference({ entity: Owner, by: 'id' })],
    });
    const policy = makePolicy(pass);
    const foreseen = await preview(policy);
    expect(foreseen).toEqual([{ deleted: { version: 98, task: 98 }, blocked: 1 }]);
    expect(counts(await runEngine(database.url, policy))).toEqual(foreseen);
    expect(await left('task')).toEqual([1, 40]);
  });

  test('and rows that an earlier pass deletes do not count in the preview', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer references version, at timestamptz);
      insert into task select n, n, now() - interval '200 days' from generate_series(1, 50) as n;
      insert into task values (99, 99, now())`);
    const tasks = expireRows({ name: 'tasks', entity: Task, age: 'at', olderThan: '90 days' });
    const policy = makePolicy(tasks, expiring());
    const foreseen = await preview(policy);
    expect(foreseen).toEqual([
      { deleted: { task: 50 }, blocked: 0 },
      { deleted: { version: 99 }, blocked: 1 },
    ]);
    expect(counts(await runEngine(database.url, policy))).toEqual(foreseen);
  });
});

describe('rows of one table that reference one another', () => {
  test.each([
    ['no action', ''],
    ['restrict', 'on delete restrict'],
    ['deferred', 'deferrable initially deferred'],
  ])('go, the youngest first or together: %s', async (_, action) => {
    for (const options of [
      {},
      { size: 20 },
      { size: 20, scan: 'by-location' as const },
      { lockFirst: true, size: 9 },
    ]) {
      await database.rows('drop table if exists version');
      await fillVersions(150);
      await database.rows(`
        alter table version add foreign key (parent_id) references version ${action};
        update version set parent_id = id - 1 where id between 2 and 150`);
      await expectRun(makePolicy(expiring()), { deleted: { version: 150 }, blocked: 0 }, options);
      expect(await left()).toHaveLength(10);
    }
  });

  test('go in the other direction as well, and in circles', async () => {
    await fillVersions(60);
    await database.rows(`
      alter table version add foreign key (parent_id) references version;
      update version set parent_id = id + 1 where id < 30;
      update version set parent_id = case when id < 60 then id + 1 else 50 end where id >= 50 and id <= 60;
      update version set parent_id = id where id = 40`);
    await expectRun(makePolicy(expiring()), { deleted: { version: 60 }, blocked: 0 }, { size: 4 });
  });

  test('stay with all that a row which stays references, and say so', async () => {
    await fillVersions(100);
    await database.rows(`
      alter table version add foreign key (parent_id) references version;
      update version set parent_id = id - 1 where id between 2 and 50;
      update version set parent_id = id - 1 where id between 52 and 100;
      update version set parent_id = 70 where id = 101`);
    const policy = makePolicy(expiring());
    await expectRun(policy, { deleted: { version: 80 }, blocked: 20 }, { size: 10 });
    expect(await left()).toEqual([
      ...Array.from({ length: 20 }, (_, n) => 51 + n),
      ...Array.from({ length: 10 }, (_, n) => 101 + n),
    ]);
    expect(await explain(policy, 'Version', '60')).toEqual(['chained']);
  });

  test('never more of them than a batch may delete', async () => {
    await fillVersions(100);
    await database.rows(`
      alter table version add foreign key (parent_id) references version;
      update version set parent_id = id - 1 where id between 2 and 100`);
    const policy = { ...makePolicy(expiring()), batchSize: 10 };
    await runEngine(database.url, policy);
    expect(await database.value('select max(rows) from vacuum.batch')).toBe(10);
    expect(await left()).toHaveLength(10);
  });
});

describe('children by cascade that reference one another', () => {
  // Directus' shape: a revision goes with its activity, and names an older or a later revision.
  async function fillRevisions(parent: string): Promise<void> {
    await fillVersions(140);
    await database.rows(`
      create table task (
        id integer primary key,
        version_id integer not null references version on delete cascade,
        task_id integer references task);
      create index on task (version_id);
      create index on task (task_id);
      insert into task select n, n, ${parent} from generate_series(1, 150) as n order by n`);
  }

  test.each([
    ['a later one', `case when n % 7 <> 0 and n < 140 then (n / 7 + 1) * 7 end`],
    ['the one before', 'case when n % 10 > 1 then n - 1 end'],
  ])('go with their parents, however batches and shards split them: %s', async (_, parent) => {
    await fillRevisions(parent);
    for (const options of [{ size: 6 }, { size: 40, lockFirst: true }, {}]) {
      await expectRun(makePolicy(expiring()), { deleted: { version: 140, task: 140 }, blocked: 0 }, options);
      await database.rows('truncate version cascade; drop table task; drop table version');
      await fillRevisions(parent);
    }
  });

  test('keep their parents if one that stays references them', async () => {
    await fillRevisions('null');
    await database.rows(
      'update task set task_id = 100 where id = 145; update task set task_id = 99 where id = 100',
    );
    const policy = makePolicy(expiring());
    await expectRun(policy, { deleted: { version: 138, task: 138 }, blocked: 2 }, { size: 6 });
    expect((await left('task')).slice(0, 2)).toEqual([99, 100]);
    expect(await explain(policy, 'Version', '99')).toEqual(['chained']);
  });
});

describe('a row that the database refuses to delete stops no other', () => {
  test.each(SCANS)('for a trigger that raises an error, %s', async (_, options) => {
    await fillVersions(300);
    await database.rows(`
      create function keep() returns trigger language plpgsql as
        $$ begin if old.id in (77, 78, 200) then raise exception 'no: %', old.id; end if; return old; end $$;
      create trigger keep before delete on version for each row execute function keep()`);
    const report = await runEngine(database.url, makePolicy(expiring()), options);
    expect(counts(report)).toEqual([{ deleted: { version: 297 }, blocked: 3 }]);
    expect((await left()).slice(0, 4)).toEqual([77, 78, 200, 301]);
  });

  test('for a column that may not be null and would be set to null', async () => {
    await fillVersions(100);
    await database.rows(`
      create table task (id integer primary key, version_id integer not null references version on delete set null);
      insert into task values (1, 33)`);
    const report = await runEngine(database.url, makePolicy(expiring()));
    expect(counts(report)).toEqual([{ deleted: { version: 99 }, blocked: 1 }]);
  });

  test('for a reference that the role may not see, with an exact count of what cascades', async () => {
    await fillVersions(100);
    const role = `blind_${database.name}`;
    await database.rows(`
      create table task (id integer primary key, version_id integer references version on delete cascade);
      create table secret (id integer primary key, task_id integer references task);
      create index on task (version_id);
      insert into task select n, n from generate_series(1, 100) as n;
      insert into secret select n, n * 10 from generate_series(1, 10) as n;
      create role ${role} login;
      grant select, update, delete on version to ${role};
      grant select on task to ${role};
      grant create on database "${database.name}" to ${role}`);
    const url = new URL(database.url);
    url.username = role;
    const report = await runEngine(url.toString(), makePolicy(expiring()));
    expect(counts(report)).toEqual([{ deleted: { version: 90, task: 90 }, blocked: 10 }]);
    expect(await left('task')).toEqual(Array.from({ length: 10 }, (_, n) => 10 * (n + 1)));
  });
});
