import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';

const properties = { id: p.integer().primary(), at: p.datetime(), jobId: p.integer().nullable() };
const Job = defineEntity({ name: 'Job', tableName: 'job', properties });
const Seen = defineEntity({ name: 'Seen', tableName: 'seen', properties });
const Kept = defineEntity({ name: 'Kept', tableName: 'kept', properties });
const Far = defineEntity({ name: 'Far', tableName: 'far', properties });
const ENTITIES = { Job, Seen, Kept, Far };

const old = (entity: keyof typeof ENTITIES, options: object = {}): Pass =>
  expireRows({ name: 'old', entity: ENTITIES[entity], age: 'at', olderThan: '1 day', ...options } as never);

describe.each(DIALECTS)('an entity of %s that is no table', (name, open) => {
  const isSqlite = name === 'SQLite';
  let database: EitherDatabase;

  beforeEach(async () => {
    const moment = isSqlite ? 'datetime' : 'timestamptz';
    database = await open(`
      create table job (id integer primary key, at ${moment} not null, job_id integer);
      insert into job values (1, ${daysAgo(9)}, null), (2, ${daysAgo(0)}, null);
      create view seen as select * from job where id < 10`);
  });
  afterEach(async () => database.drop());

  async function expectRefused(passes: readonly Pass[], what: string): Promise<void> {
    const entities = isSqlite ? [Job, Seen] : [Job, Seen, Kept, Far];
    const policy = definePolicy({ name: 'p', enabled: true, entities, limits: { maxPercent: 100 }, passes });
    await expect(runEngine(database.url, policy)).rejects.toThrow(what);
    expect(await database.ids('job')).toEqual([1, 2]);
  }

  if (!isSqlite)
    beforeEach(async () => {
      await database.execute(`
        create materialized view kept as select * from job;
        create extension postgres_fdw;
        create server elsewhere foreign data wrapper postgres_fdw;
        create foreign table far (id integer, at timestamptz, job_id integer) server elsewhere options (table_name 'job')`);
    });

  test('is refused as the table of a pass', async () => {
    await expectRefused([old('Seen')], 'entity Seen is a view');
    if (isSqlite) return;
    await expectRefused([old('Kept')], 'entity Kept is a materialized view');
    await expectRefused([old('Far')], 'entity Far is no ordinary table');
  });

  test('is refused with a trigger or a rule that would delete its rows', async () => {
    await database.execute(
      isSqlite
        ? 'create trigger through instead of delete on seen begin delete from job where id = old.id; end'
        : 'create rule through as on delete to seen do instead delete from job where id = old.id',
    );
    await expectRefused([old('Seen')], 'entity Seen is a view');
  });

  test('is refused as a soft child, and as what is orphaned', async () => {
    await expectRefused(
      [old('Job', { with: [softChild({ entity: Seen, by: 'jobId' })] })],
      'entity Seen is a view',
    );
    await expectRefused(
      [deleteOrphans({ name: 'lost', entity: Seen, by: 'jobId', parent: Job, age: 'at' })],
      'entity Seen is a view',
    );
  });
});
