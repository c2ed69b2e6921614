import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { readStats } from '../../../activities/inspect/stats.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { planPasses } from '../../../activities/plan/plan-passes.ts';
import { LOOK_UP_LIMITS, resolvePolicy } from '../../../activities/plan/resolve-policy.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { reportRows } from '../../../policy/report-rows.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Execution = defineEntity({
  name: 'Execution',
  properties: {
    id: p.integer().primary(),
    stoppedAt: p.datetime().nullable(),
    status: p.string(),
    deletedAt: p.datetime().nullable(),
    padding: p.string(),
  },
});

const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), executionId: p.integer() },
});

/** As n8n has them: many young rows, and one of each kind on both sides of the horizon. */
const SCHEMA = `
  create table execution (
    id integer primary key, stopped_at timestamp with time zone, status text not null,
    deleted_at timestamp with time zone, padding text not null);
  insert into execution
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
    select 1000 + i, ${daysAgo(1)}, 'success', null, '${'x'.repeat(500)}' from n;
  insert into execution values
    (1, ${daysAgo(31)}, 'success', null, ''), (2, ${daysAgo(29)}, 'success', null, ''),
    (3, ${daysAgo(31)}, 'running', null, ''), (4, ${daysAgo(31)}, 'success', ${daysAgo(30)}, ''),
    (5, null, 'success', null, ''), (6, ${daysAgo(40)}, 'error', null, '');
  create table note (id integer primary key, execution_id integer not null);
  create index note_execution on note (execution_id);
  insert into note values (1, 6);`;

const old = { name: 'old', entity: Execution, age: 'stoppedAt' } as const;
const LIVING = { status: { $nin: ['new', 'running'] }, deletedAt: null };

describe.each(DIALECTS)('partial indexes on the age, on %s', (_, open) => {
  let source: EitherDatabase;
  let database: Database;

  beforeEach(async () => {
    source = await open(SCHEMA);
    database = await openDatabase(source.url);
  });
  afterEach(async () => {
    await database.close();
    await source.drop();
  });

  /** The scan of a pass, and what doctor says of the indexes, with an index. */
  async function look(predicate: string, pass: Pass): Promise<{ scan: unknown; said: string[] }> {
    await source.execute(
      `create index execution_stopped on execution (stopped_at, status) where ${predicate}`,
    );
    await source.execute('analyze');
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Execution, Note], passes: [pass] });
    const scan = await readScan(policy);
    const findings = await examineDatabase(database, policy);
    const said = findings.filter(({ about }) => about.startsWith('index'));
    const before = await readBacklogs(policy);
    const deleted = await runAsPreviewed(source.url, policy, scan === 'by-age' ? { size: 1 } : {});
    const rows = deleted['old']?.['execution'] ?? 0;
    expect([before, await readBacklogs(policy)]).toEqual([
      [rows, rows],
      [0, 0],
    ]);
    return { scan, said: said.map(({ state, what }) => `${state}: ${what}`) };
  }

  /** The rows that wait for the pass: counted, and as told at once. */
  async function readBacklogs(policy: Policy): Promise<unknown[]> {
    const rows: unknown[] = [];
    for (const exact of [true, false]) {
      const [backlog] = (await readStats(database, policy, exact)).backlog;
      rows.push(backlog?.now?.rows);
    }
    return rows;
  }

  async function readScan(policy: Policy): Promise<unknown> {
    return database.session.snapshot(LOOK_UP_LIMITS, async (tx) => {
      const [pass] = await planPasses(tx, policy, await resolvePolicy(tx, policy, ['old'], 'preview'));
      return pass?.plan.scan;
    });
  }

  const young = async (): Promise<number[]> => (await source.ids('execution')).filter((id) => id < 1000);
  const SERVED = expect.arrayContaining([
    'ok: partial index execution_stopped has all rows that its passes delete',
  ]);
  const MISSED = [expect.stringContaining('advice: there is none')];

  test.each([
    ['deleted_at is null and stopped_at is not null', LIVING, [2, 3, 4, 5]],
    ['deleted_at is null', { deletedAt: null }, [2, 4, 5]],
    [`status = 'success'`, { status: 'success' }, [2, 3, 5, 6]],
  ])('one whose predicate follows from the filter serves: %s', async (predicate, where, stay) => {
    expect(await look(predicate, expireRows({ ...old, olderThan: '30 days', where }))).toEqual({
      scan: 'by-age',
      said: SERVED,
    });
    expect(await young()).toEqual(stay);
  });

  test('one that leaves out rows without an age is as good as a whole one', async () => {
    const pass = expireRows({ ...old, olderThan: '30 days' });
    expect(await look('stopped_at is not null', pass)).toEqual({
      scan: 'by-age',
      said: ['ok: none is missing: passes scan or look up by 1 column'],
    });
    expect(await young()).toEqual([2, 5]);
  });

  test.each([
    ['deleted_at is not null', LIVING, [2, 3, 4, 5]],
    [`status = 'error'`, { status: { $in: ['error', 'success'] } }, [2, 3, 5]],
    // That all rows of today match does not make it follow.
    [`padding <> 'y'`, LIVING, [2, 3, 4, 5]],
  ])('one that may leave out deletable rows does not: %s', async (predicate, where, stay) => {
    expect(await look(predicate, expireRows({ ...old, olderThan: '30 days', where }))).toEqual({
      scan: 'by-location',
      said: MISSED,
    });
    expect(await young()).toEqual(stay);
  });

  test('a horizon is no part of the proof, since it moves', async () => {
    const predicate = `stopped_at < ${daysAgo(20)}`;
    const { scan } = await look(predicate, expireRows({ ...old, olderThan: '30 days' }));
    expect(scan).toBe('by-location');
    expect(await young()).toEqual([2, 5]);
  });

  test('the other kinds that scan by age use it, too', async () => {
    const references = [softReference({ entity: Note, by: 'executionId' })];
    const unreferenced = deleteUnreferenced({ ...old, grace: '30 days', where: LIVING, references });
    expect(await look('deleted_at is null', unreferenced)).toMatchObject({ scan: 'by-age', said: SERVED });
    expect(await young()).toEqual([2, 3, 4, 5, 6]);
    const report = definePolicy({
      name: 'r',
      entities: [Execution],
      passes: [reportRows({ ...old, olderThan: '28 days', where: LIVING })],
    });
    expect(await readScan(report)).toBe('by-age');
  });

  test('explain says of each row why it stays', async () => {
    const pass = expireRows({ ...old, olderThan: '30 days', where: LIVING });
    await source.execute('create index execution_stopped on execution (stopped_at) where deleted_at is null');
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Execution], passes: [pass] });
    const reasons = await Promise.all(
      [1, 2, 3, 4, 5].map(async (id) => {
        const { goesBy, passes } = await explainRow(database, policy, 'Execution', String(id));
        return goesBy ?? passes[0]?.reasons.map(({ why }) => why);
      }),
    );
    expect(reasons).toMatchObject([
      'old',
      ['too-young'],
      ['filter-mismatch'],
      ['filter-mismatch'],
      ['no-age'],
    ]);
  });
});
