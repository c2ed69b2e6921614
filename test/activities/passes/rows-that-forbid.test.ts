import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/open-database.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Version = defineEntity({
  name: 'Version',
  properties: { id: p.integer().primary(), parentId: p.integer().nullable(), at: p.datetime() },
});
const Activity = defineEntity({
  name: 'Activity',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Revision = defineEntity({
  name: 'Revision',
  properties: { id: p.integer().primary(), activityId: p.integer(), parentId: p.integer().nullable() },
});

const OLD = `now() - interval '9 days'`;
const WAYS: EngineOptions[] = [{}, { size: 1 }, { size: 7 }, { scan: 'by-age', size: 7 }];
const ACTIONS = ['', 'on delete restrict', 'deferrable initially deferred'];

describe('rows that forbid to delete each other', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
  });
  afterEach(async () => database.drop());

  function policy(options: object): Policy {
    const pass = expireRows({ name: 'old', age: 'at', olderThan: '1 day', ...options } as never);
    return definePolicy({
      name: 'p',
      enabled: true,
      entities: [Version, Activity, Revision],
      shards: 2,
      passes: [pass],
    });
  }

  async function ids(table: string): Promise<number[]> {
    return (await database.rows<{ id: number }>(`select id from ${table} order by id`)).map(({ id }) => id);
  }

  async function createVersions(action: string): Promise<void> {
    await database.rows(`
      create table version (id integer primary key, parent_id integer, at timestamptz not null);
      alter table version add constraint version_parent_fkey foreign key (parent_id) references version ${action};
      create index on version (at); create index on version (parent_id)`);
  }

  describe.each(ACTIONS)('in one table, %s', (action) => {
    test.each(WAYS)('chains without a row that stays go, the others stay whole: %j', async (way) => {
      await createVersions(action);
      // Chains of ten, each row naming the one before: 1 to 10 and 11 to 20 are old, the youngest of 21 to 30 is of today.
      // 31 names 25 and is old, 41 to 43 are a circle, 50 names itself, 61 is old and is named by 60, which is of today.
      await database.rows(`
        insert into version select n, case when n % 10 <> 1 then n - 1 end, ${OLD} - n * interval '1 minute' from generate_series(1, 30) as n;
        update version set at = now() where id = 30;
        insert into version values (31, 25, ${OLD}), (41, null, ${OLD}), (42, 41, ${OLD}), (43, 42, ${OLD}), (50, 50, ${OLD}), (61, null, ${OLD}), (60, 61, now());
        update version set parent_id = 43 where id = 41`);
      const deleted = await runAsPreviewed(database.url, policy({ entity: Version }), way);
      expect(deleted).toEqual({ old: { version: 25 } });
      expect(await ids('version')).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 60, 61]);
    });
  });

  test('rows younger than those that name them go with them as well', async () => {
    await createVersions('');
    await database.rows(`
      insert into version select n, null, ${OLD} from generate_series(1, 2000) as n;
      update version set parent_id = id + 1 where id < 2000`);
    expect(await runAsPreviewed(database.url, policy({ entity: Version }), { size: 100 })).toEqual({
      old: { version: 2000 },
    });
  });

  test('explain says that such a row is referenced', async () => {
    await createVersions('');
    await database.rows(
      `insert into version values (1, null, ${OLD}), (2, 1, ${OLD}), (3, 2, now()), (4, null, ${OLD})`,
    );
    const open = await openDatabase(database.url);
    try {
      const why = async (key: string): Promise<unknown> => {
        const { passes } = await explainRow(open, policy({ entity: Version }), 'Version', key);
        return passes.map(({ goes, reasons }) => [goes, reasons.map((one) => one.why)]);
      };
      expect(await why('1')).toEqual([[false, ['referenced']]]);
      expect(await why('2')).toEqual([[false, ['referenced']]]);
      expect(await why('4')).toEqual([[true, []]]);
    } finally {
      await open.close();
    }
  });

  describe('in a table that goes along', () => {
    beforeEach(async () => {
      await database.rows(`
        create table activity (id integer primary key, at timestamptz not null);
        create table revision (id integer primary key, activity_id integer not null references activity on delete cascade, parent_id integer references revision);
        create index on revision (activity_id); create index on revision (parent_id);
        insert into activity select n, now() - interval '1 hour' * (71 - n) - interval '1 minute' from generate_series(1, 70) as n;
        insert into revision select n, n, case when n % 7 <> 0 then (n / 7 + 1) * 7 end from generate_series(1, 70) as n;
        insert into revision values (100, 3, 7), (101, 70, 35)`);
    });
    // Sevens of one parent; 47 activities are older than a day. Revision 101 of today names 35, which stays.
    const pointers: [string, object][] = [
      ['by a cascade', {}],
      ['as soft children', { with: [softChild({ entity: Revision, by: 'activityId' })] }],
    ];
    describe.each(pointers)('%s', (_, options) => {
      test.each(WAYS)('rows go together or stay: %j', async (way) => {
        const deleted = await runAsPreviewed(database.url, policy({ entity: Activity, ...options }), way);
        // Nobody names a child, so that each goes by itself; a parent goes with the last of them.
        const young = Array.from({ length: 23 }, (__, n) => 48 + n);
        expect(await ids('revision')).toEqual([35, ...young, 101]);
        expect(deleted).toEqual({ old: { activity: 46, revision: 47 } });
      });
    });

    test('the whole chain of an entity nested in itself goes as well', async () => {
      await database.rows('update activity set at = now() where id = 35');
      const nested = softChild({
        entity: Revision,
        by: 'activityId',
        with: [softChild({ entity: Revision, by: 'parentId' })],
      });
      const deleted = await runAsPreviewed(database.url, policy({ entity: Activity, with: [nested] }), {
        size: 7,
      });
      expect(deleted['old']?.['activity']).toBe(46);
      expect(await database.value('select count(*) from revision where id in (1, 7, 100)')).toBe(0);
    });
  });
});
