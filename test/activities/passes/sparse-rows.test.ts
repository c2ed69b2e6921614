import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';

const Job = defineEntity({
  name: 'Job',
  properties: { id: p.integer().primary(), at: p.datetime(), state: p.string() },
});
const Step = defineEntity({
  name: 'Step',
  properties: { id: p.integer().primary(), jobId: p.integer() },
});
const Use = defineEntity({
  name: 'Use',
  properties: { id: p.integer().primary(), jobId: p.integer().nullable() },
});

const JOBS = 100_000;
/** One in so many jobs is done and old; it has so many steps. The others are open and young. */
const EVERY = 1000;
const STEPS = 100;
const DONE = JOBS / EVERY;

const NUMBERS = (count: number) =>
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`;

const SCHEMA = `
  create table job (id integer primary key, at timestamp with time zone, state text);
  create table step (id integer primary key, job_id integer references job on delete cascade);
  create table use (id integer primary key, job_id integer);
  create table kind (state text, at timestamp with time zone);
  insert into kind values ('done', ${daysAgo(9)}), ('open', ${daysAgo(0)});
  ${NUMBERS(JOBS)} insert into job select i, at, state from n
    join kind on state = case when i % ${EVERY} = 0 then 'done' else 'open' end order by i;
  ${NUMBERS(DONE * STEPS)} insert into step select i, (i % ${DONE} + 1) * ${EVERY} from n;
  create index step_job on step (job_id);
  create index use_job on use (job_id)`;

/** Of rows that have many dependents a batch takes few: where few are deletable it must read many for each. */
describe.each(DIALECTS)('few deletable rows with many dependents, among many that stay, on %s', (_, open) => {
  let database: EitherDatabase;
  beforeEach(async () => {
    database = await open(SCHEMA);
  });
  afterEach(async () => database.drop());

  const old = (options: object = {}): Pass =>
    expireRows({ name: 'old', entity: Job, age: 'at', olderThan: '1 day', ...options });

  const cases: [string, string, Pass, EngineOptions][] = [
    ['in physical order', '', old(), {}],
    ['in physical order, locked before', '', old(), { lockFirst: true }],
    ['by age, with a filter', 'index', old({ where: { state: 'done' } }), {}],
    ['by age, with a filter, locked before', 'index', old({ where: { state: 'done' } }), { lockFirst: true }],
    [
      'that nothing references',
      '',
      deleteUnreferenced({
        name: 'old',
        entity: Job,
        age: 'at',
        grace: '1 day',
        references: [softReference({ entity: Use, by: 'jobId' })],
        ignore: [Step],
      }),
      {},
    ],
  ];
  test.each(cases)('are found in few batches: %s', async (_name, index, pass, options) => {
    if (index !== '') {
      await database.execute(`update job set at = ${daysAgo(8)}`);
      await database.execute('create index job_at on job (at)');
    }
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Job, Step, Use],
      passes: [pass],
    });
    const report = await runEngine(database.url, policy, options);
    const [{ rows, batches } = { rows: 0, batches: 0 }] = report.passes;
    expect(rows).toBe(DONE + DONE * STEPS);
    // Without reading ahead there are more than 600. By age there are never more than 100, and 20 if the machine is quiet.
    expect(batches).toBeLessThan(index === '' ? 300 : 105);
    const kept = await database.rows<{ n: number }>("select count(*) as n from job where state = 'open'");
    expect(Number(kept[0]?.n)).toBe(JOBS - DONE);
  });
});
