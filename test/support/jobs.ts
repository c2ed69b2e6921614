import type { InferEntity } from '@mikro-orm/core';
import { defineEntity, p } from '@mikro-orm/core';

import type { Policy } from '../../policy/policy.ts';
import { definePolicy } from '../../policy/policy.ts';
import type { ReportRowsOptions } from '../../policy/report-rows.ts';
import { reportRows } from '../../policy/report-rows.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';

// Jobs that may be stuck: what passes that report are tested with.

export const Job = defineEntity({
  name: 'Job',
  tableName: 'job',
  properties: {
    id: p.integer().primary(),
    state: p.string(),
    since: p.datetime().nullable(),
    due: p.datetime().nullable(),
  },
});

/** A database with so many jobs that have been running for twenty days, the first for the longest. */
export async function createJobs(count = 0): Promise<TestDatabase> {
  const database = await createDatabase('template0');
  await database.rows(`
    create table job (id integer primary key, state text not null, since timestamptz, due timestamptz);
    create index on job (since);
    insert into job
    select n, 'running', now() - interval '20 days' - n * interval '-1 second', null
    from generate_series(1, ${count}) as n`);
  await database.rows('analyze');
  return database;
}

/** A policy that reports jobs that have been running for ten days, unless configured otherwise. */
export function stuckJobs(options: Partial<ReportRowsOptions<InferEntity<typeof Job>>> = {}): Policy {
  return definePolicy({
    name: 'jobs',
    enabled: true,
    entities: [Job],
    passes: [
      reportRows({
        name: 'stuck-jobs',
        entity: Job,
        age: 'since',
        olderThan: '10 days',
        where: { state: 'running' },
        ...options,
      }),
    ],
  });
}
