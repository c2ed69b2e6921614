import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Job = defineEntity({
  name: 'Job',
  properties: {
    id: p.integer().primary(),
    state: p.string(),
    started: p.datetime().nullable(),
    queued: p.datetime().nullable(),
    parentId: p.integer().nullable(),
  },
});

const Queue = defineEntity({ name: 'Queue', properties: { id: p.integer().primary() } });

/** One of each: old, young, without a start, without any age; of three states. The third of each is an orphan. */
const SCHEMA = `
  create table job (
    id integer primary key, state text, started timestamp with time zone, queued timestamp with time zone, parent_id integer);
  ${['done', 'open', 'kept']
    .map(
      (state, n) => `insert into job values
        (${10 * n + 1}, '${state}', ${daysAgo(11)}, ${daysAgo(12)}, 1), (${10 * n + 2}, '${state}', ${daysAgo(9)}, ${daysAgo(12)}, 1),
        (${10 * n + 3}, '${state}', null, ${daysAgo(12)}, 99), (${10 * n + 4}, '${state}', null, null, 1);`,
    )
    .join('\n')}
  create table queue (id integer primary key);
  insert into queue values (1);`;

describe.each(DIALECTS)('rows without an age, on %s', (_, open) => {
  let source: EitherDatabase | undefined;
  let database: Database | undefined;

  afterEach(async () => {
    await database?.close();
    await source?.drop();
  });

  /** The rows that the preview counts, and what doctor says of the pass. */
  async function look(pass: Pass): Promise<{ undated: number | undefined; advice: string[] }> {
    source = await open(SCHEMA);
    database = await openDatabase(source.url);
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Job, Queue], passes: [pass] });
    const { passes } = await previewPolicy(database, policy, [pass.name]);
    const findings = await examineDatabase(database, policy);
    await runAsPreviewed(source.url, policy);
    return {
      undated: passes[0]?.undated,
      advice: findings.filter(({ about }) => about === `pass ${pass.name}`).map(({ what }) => what),
    };
  }

  const old = { name: 'old', entity: Job, olderThan: '10 days' } as const;
  const sentence = 'matching rows without an age, which never expire';

  test('are counted where the filter means them', async () => {
    const found = await look(expireRows({ ...old, age: 'started', where: { state: 'done' } }));
    expect(found).toEqual({ undated: 2, advice: [`${sentence}: about 2`] });
    expect(await source?.ids('job')).toEqual([2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24]);
  });

  test('are only those without any of several ages', async () => {
    const found = await look(expireRows({ ...old, age: ['started', 'queued'] }));
    expect(found).toEqual({ undated: 3, advice: [`${sentence}: about 3`] });
    expect(await source?.ids('job')).toEqual([2, 4, 12, 14, 22, 24]);
  });

  test('are none that an override keeps for ever', async () => {
    const overrides = [{ where: { state: 'kept' }, olderThan: null }];
    const found = await look(expireRows({ ...old, age: 'started', overrides }));
    expect(found).toEqual({ undated: 4, advice: [`${sentence}: about 4`] });
  });

  test('are none whose parent is there, for orphans', async () => {
    const lost = { name: 'lost', entity: Job, by: 'parentId', parent: Queue, age: 'started' } as const;
    expect(await look(deleteOrphans({ ...lost, where: { state: 'open' } }))).toMatchObject({ undated: 1 });
  });

  test('are not spoken of if there are none', async () => {
    const found = await look(expireRows({ ...old, age: 'started', where: { id: { $in: [1, 2] } } }));
    expect(found).toEqual({ undated: 0, advice: [] });
  });
});
