import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { VacuumInput } from '../../../activities/contract.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { LimitOptions } from '../../../policy/limits.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { reportRows } from '../../../policy/report-rows.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import { applySchedule, getScheduleId, triggerSchedule } from '../../../worker/schedule.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { lostNotes, makeThings, Note, oldThings, Part, Thing, thingPolicy } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import { Album, Cover, keys, Picture, Pictures, Shelf, withFiles } from '../../support/pictures.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { vacuum } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

/** Makes a table anew with some of its rows, as restoring an older dump of it does. */
const restore = (table: string, rows: string): string => `
  create table restored (like ${table} including all);
  insert into restored select * from ${table} where ${rows};
  drop table ${table} cascade;
  alter table restored rename to ${table}`;

describeNeeding(['temporal'], 'a restored table is not believed', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  /** How a run ended: its status, or what stopped it. */
  async function run(database: TestDatabase, policy: Policy, input: VacuumInput = {}): Promise<string> {
    try {
      return (await vacuum(session, database, [policy], input)).status;
    } catch (error) {
      return ((error as Error).cause as Error).message;
    }
  }

  describe('by passes over files', () => {
    let pictures: Pictures;
    beforeEach(async () => {
      pictures = await Pictures.create();
      for (const key of keys(60)) pictures.write(key);
      await pictures.add(0, keys(60));
    });
    afterEach(async () => pictures.drop());

    const policy = (passes: readonly Pass[], limits: LimitOptions = { smallTable: 20 }): Policy =>
      definePolicy({
        name: 'p',
        enabled: true,
        entities: [Picture, Cover, Album, Shelf],
        passes: [...passes],
        limits,
      });
    const sweep = (): Pass => sweepStrayFiles({ name: 'strays', root: pictures.root, remove: true });
    const run60 = async (passes: readonly Pass[], limits?: LimitOptions): Promise<string> =>
      run(pictures.database, policy(passes, limits));
    /** Older rows are loaded into the table that is there. */
    const reload = async (rows: number): Promise<unknown> =>
      pictures.database.rows(`create table kept as select * from picture where id <= ${rows};
        truncate picture; insert into picture select * from kept; drop table kept`);

    test.each(['picture', 'cover'])('a sweep, after table %s was made anew', async (table) => {
      expect(await run60([sweep()])).toBe('completed');
      await pictures.database.rows(restore(table, 'id <= 55'));
      const entity = table === 'picture' ? 'Picture' : 'Cover';
      expect(await run60([sweep()])).toContain(`the table of entity ${entity} was made anew`);
      expect(pictures.files()).toHaveLength(60);
    });

    test('a pass that removes files of deleted rows, after another table that records them was made anew', async () => {
      expect(await run60(withFiles(pictures.root))).toBe('completed');
      await pictures.database.rows(restore('cover', 'true'));
      expect(await run60(withFiles(pictures.root))).toContain('the table of entity Cover was made anew');
    });

    test('a sweep, after older rows were loaded into the same table, until somebody looks at its files', async () => {
      expect(await run60([sweep()])).toBe('completed');
      await reload(39);
      const stopped = await run60([sweep()]);
      expect(stopped).toContain('no row records 21 of its 60 files, and a run may remove 20');
      expect(stopped).toContain('temporal-vacuum preview');
      expect(pictures.files()).toHaveLength(60);
      await run(pictures.database, policy([sweep()]), { mode: 'preview' });
      expect(await run60([sweep()])).toBe('completed');
      expect(pictures.files()).toHaveLength(39);
    });

    test('a first sweep by hand, as in a database that was restored without the ledger', async () => {
      await reload(39);
      expect(await run60([sweep()])).toContain('a run may remove 20');
      expect(pictures.files()).toHaveLength(60);
    });

    test('and a sweep of as many files as are usual, or as few as in a small table, goes ahead', async () => {
      await reload(57);
      expect(await run60([sweep()])).toBe('completed');
      expect(pictures.files()).toHaveLength(57);
      await reload(50);
      expect(await run60([sweep()], { smallTable: 0, maxGrowth: 2 })).toContain('a run may remove 6');
      await reload(51);
      // The table was read anew, and the sweep asks only for its rows.
      expect(await run60([sweep()], { smallTable: 0, maxGrowth: 7 / 3 })).toBe('completed');
    });

    test('and a policy without a limit of growth sweeps what it is told to', async () => {
      await reload(31);
      expect(await run60([sweep()], { smallTable: 0, maxGrowth: Infinity })).toBe('completed');
      expect(pictures.files()).toHaveLength(31);
    });
  });

  describe('by passes that ask another table about their rows', () => {
    let things: TestDatabase;
    let template: string | undefined;
    beforeEach(async () => {
      template ??= await makeThings();
      things = await createDatabase(template);
    });
    afterEach(async () => things.drop());

    const policies: [string, string, Pass][] = [
      ['orphans, the table of their parents', 'thing', lostNotes()],
      [
        'unreferenced rows, a table that references them',
        'note',
        deleteUnreferenced({
          name: 'unused',
          entity: Thing,
          age: 'at',
          grace: '30 days',
          ignore: [Part],
          references: [softReference({ entity: Note, by: 'thingId' })],
        }),
      ],
      [
        'rows that are handed over, their own table',
        'thing',
        reportRows({
          name: 'stuck',
          entity: Thing,
          age: 'at',
          olderThan: '30 days',
          handler: async () => undefined,
        }),
      ],
      [
        'rows whose retention is in a column of their parent, the table of the parent',
        'thing',
        expireRows({
          name: 'notes',
          entity: Note,
          age: 'at',
          olderThan: {
            column: 'id',
            unit: 'weeks',
            parent: Thing,
            by: 'thingId',
            default: '30 days',
          } as never,
        }),
      ],
    ];

    test.each(policies)('%s', async (_, table, pass) => {
      const policy = thingPolicy({ passes: [pass] });
      expect(await run(things, policy)).toBe('completed');
      await things.rows(restore(table, 'id % 10 > 0'));
      const entity = table === 'thing' ? 'Thing' : 'Note';
      expect(await run(things, policy)).toContain(`the table of entity ${entity} was made anew`);
    });

    test('and a parent that only lost rows is none: its application may delete them', async () => {
      const policy = thingPolicy({ passes: [lostNotes({ grace: '36 days' })], limits: { maxPercent: 100 } });
      expect(await run(things, policy)).toBe('completed');
      await things.rows('truncate thing cascade');
      expect(await run(things, policy)).toBe('completed');
      expect(await run(things, thingPolicy({ passes: [oldThings()] }))).toBe('completed');
    });
  });

  test('by a run that somebody starts by hand, where Temporal knows later runs than the ledger', async () => {
    const things = await createDatabase(await makeThings());
    const restored = await createDatabase(await makeThings());
    const taskQueue = session.queue();
    const policy = thingPolicy({ name: `things-${taskQueue.slice(-12)}`, schedule: { every: '10 days' } });
    const work = { taskQueue, url: things.url, policies: [policy] };
    const byHand = async (queue: string): Promise<unknown> => (await session.start(queue)).result();
    const client = await session.client();
    const schedule = client.schedule.getHandle(getScheduleId(policy));
    await applySchedule(client, policy, { taskQueue });
    try {
      await session.withVacuum(work, async () => {
        await triggerSchedule(client, getScheduleId(policy));
        await waitFor('the scheduled run', async () => {
          const [recent] = (await schedule.describe()).info.recentActions;
          if (recent === undefined) return false;
          const { workflowId } = recent.action.workflow;
          return (await client.workflow.getHandle(workflowId).describe()).status.name === 'COMPLETED';
        });
      });
      // As in a database that was restored from a dump without schema vacuum: holds are lost with it.
      await things.rows('drop schema vacuum cascade');
      await session.withVacuum(work, async () => {
        await expect(byHand(taskQueue)).rejects.toMatchObject({
          cause: { message: expect.stringContaining('Temporal knows run 1 and the ledger ends with run 0') },
        });
      });
      // Another environment, with a task queue of its own, has nothing to do with that schedule.
      const other = session.queue();
      await session.withVacuum({ ...work, taskQueue: other, url: restored.url }, async () => {
        expect(await byHand(other)).toMatchObject({ status: 'completed' });
      });
    } finally {
      await schedule.delete();
    }
    await things.drop();
    await restored.drop();
  }, 120_000);
});
