import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { epoch } from '../../../policy/epoch.ts';
import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { parentAge } from '../../../policy/parent-age.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Event = defineEntity({
  name: 'Event',
  properties: { id: p.integer().primary(), occurred: p.datetime().nullable(), seen: p.bigint().nullable() },
});
const Resource = defineEntity({
  name: 'Resource',
  properties: {
    id: p.integer().primary(),
    event: () => p.manyToOne(Event).nullable(),
    finished: p.datetime().nullable(),
    queued: p.datetime().nullable(),
    createdMs: p.bigint().nullable(),
    day: p.date().nullable(),
  },
});
interface Row {
  id: number;
}

const millis = (days: number): number => Date.now() - days * 86_400_000;
const day = (days: number): string => `'${new Date(millis(days)).toISOString().slice(0, 10)}'`;
const unzoned = (days: number): string =>
  `'${new Date(millis(days)).toISOString().slice(0, 19).replace('T', ' ')}'`;

/** The events 1 to 4: old, young, without a time, and old without resources. */
const SCHEMA = `
  create table event (id integer primary key, occurred timestamp with time zone, seen bigint);
  create table resource (
    id integer primary key, event_id integer references event (id), finished timestamp with time zone,
    queued timestamp, created_ms bigint, day date);
  insert into event values
    (1, ${daysAgo(31)}, ${millis(31)}), (2, ${daysAgo(29)}, ${millis(29)}), (3, null, null), (4, ${daysAgo(40)}, ${millis(40)});`;

const POLICY = { name: 'p', enabled: true, entities: [Event, Resource] } as const;
const policyWith = (age: unknown, options: object = {}): Policy =>
  definePolicy({
    ...POLICY,
    passes: [
      expireRows({
        name: 'old',
        entity: Resource,
        age,
        olderThan: '30 days',
        ...options,
      } as unknown as ExpireRowsOptions<Row>),
    ],
  });

describe.each(DIALECTS)('ages that stand elsewhere, on %s', (_, open) => {
  let source: EitherDatabase;
  let database: Database | undefined;

  beforeEach(async () => {
    source = await open(SCHEMA);
  });
  afterEach(async () => {
    await database?.close();
    await source.drop();
  });

  const insert = async (rows: readonly string[]): Promise<void> => {
    await source.execute(
      `insert into resource (id, event_id, finished, queued, created_ms, day) values ${rows.join(', ')}`,
    );
    database = await openDatabase(source.url);
  };
  const opened = (): Database => {
    if (database === undefined) throw new Error('no rows');
    return database;
  };

  describe('in the row that a row references', () => {
    const occurred = parentAge({ parent: Event, by: 'event', age: 'occurred' });
    const ROWS = [
      `(1, 1, null, null, null, null)`,
      `(2, 2, null, null, null, null)`,
      `(3, 3, null, null, null, null)`,
      `(4, null, null, null, null, null)`,
      `(5, 1, null, null, null, null)`,
      `(6, null, ${daysAgo(31)}, null, null, null)`,
      `(7, 2, ${daysAgo(31)}, null, null, null)`,
      `(8, 3, ${daysAgo(29)}, null, null, null)`,
    ];

    beforeEach(async () => insert(ROWS));

    test.each([{}, { size: 1 }, { lockFirst: true }])('the rows of old parents go: %j', async (options) => {
      expect(await runAsPreviewed(source.url, policyWith(occurred), options)).toEqual({
        old: { resource: 2 },
      });
      expect(await source.ids('resource')).toEqual([2, 3, 4, 6, 7, 8]);
      expect(await source.ids('event')).toEqual([1, 2, 3, 4]);
    });

    test('a number since 1970 counts there as well', async () => {
      await runAsPreviewed(source.url, policyWith({ ...occurred, age: epoch('seen', 'ms') }));
      expect(await source.ids('resource')).toEqual([2, 3, 4, 6, 7, 8]);
    });

    test('an age of the row takes its place if the parent has none', async () => {
      await runAsPreviewed(source.url, policyWith([occurred, 'finished']));
      expect(await source.ids('resource')).toEqual([2, 3, 4, 7, 8]);
    });

    test('the newest of a group are the newest by it', async () => {
      const options = { keepLast: { count: 1, per: ['event'] }, olderThan: '1 day' };
      await runAsPreviewed(source.url, policyWith(occurred, options));
      expect(await source.ids('resource')).toEqual([3, 4, 5, 6, 7, 8]);
    });

    test('explain, preview and doctor tell of it', async () => {
      const policy = policyWith(occurred);
      const told = await Promise.all(
        [1, 2, 3, 4].map(async (id) => {
          const { goesBy, passes } = await explainRow(opened(), policy, 'Resource', String(id));
          return goesBy ?? passes[0]?.reasons;
        }),
      );
      const due = expect.stringContaining(new Date(millis(-1)).toISOString().slice(0, 10)) as unknown;
      expect(told).toMatchObject([
        'old',
        [{ why: 'too-young', from: due }],
        [{ why: 'no-age' }],
        [{ why: 'no-age' }],
      ]);
      const { passes } = await previewPolicy(opened(), policy, ['old']);
      expect(passes[0]).toMatchObject({ undated: 4 });
      const findings = await examineDatabase(opened(), policy);
      const about = findings.filter((finding) => finding.about.startsWith('index'));
      expect(about.filter(({ what }) => what.includes('occurred'))).toEqual([]);
    });

    test('a parent that gets a younger age while the pass runs keeps its rows', async () => {
      await runEngine(source.url, policyWith(occurred), {
        size: 1,
        afterBatch: async () => source.execute(`update event set occurred = ${daysAgo(1)} where id = 1`),
      });
      expect(await source.ids('resource')).toEqual([2, 3, 4, 5, 6, 7, 8]);
    });

    test('a preview says that parents of an earlier pass make it uncertain', async () => {
      await source.execute('delete from resource');
      const events = expireRows({ name: 'events', entity: Event, age: 'occurred', olderThan: '30 days' });
      const policy = definePolicy({
        ...POLICY,
        passes: [events, ...policyWith(occurred).passes],
      });
      const { passes } = await previewPolicy(opened(), policy, ['events', 'old']);
      expect(passes[1]?.bounds).toMatchObject([{ rows: 'about', here: 'table event' }]);
    });

    test('what cannot be meant is refused', async () => {
      const refusal = async (age: unknown): Promise<string> =>
        runEngine(source.url, policyWith(age)).then(
          () => 'nothing refused',
          (error: Error) => error.message,
        );
      expect(await refusal({ ...occurred, by: 'id' })).toContain('nothing refused');
      expect(await refusal({ ...occurred, by: 'nothing' })).toContain('which is no property of Resource');
      expect(await refusal({ ...occurred, age: 'nothing' })).toContain('which is no property of Event');
      expect(await refusal({ ...occurred, by: '' })).toContain('by');
      expect(await refusal({ parent: Resource, by: 'id', age: 'finished' })).toContain(
        'whose rows this pass deletes too',
      );
    });
  });

  describe('in columns of several types', () => {
    /** The last of them is the one that counts. A date is over 36 hours after its start, wherever it was written. */
    const ROWS = [
      `(1, null, ${daysAgo(31)}, ${unzoned(1)}, ${millis(1)}, ${day(1)})`,
      `(2, null, ${daysAgo(29)}, ${unzoned(99)}, ${millis(99)}, ${day(99)})`,
      `(3, null, null, ${unzoned(30.6)}, ${millis(1)}, ${day(1)})`,
      `(4, null, null, ${unzoned(30.4)}, ${millis(99)}, ${day(99)})`,
      `(5, null, null, null, ${millis(30.1)}, ${day(1)})`,
      `(6, null, null, null, ${millis(29.9)}, ${day(99)})`,
      `(7, null, null, null, null, ${day(32)})`,
      `(8, null, null, null, null, ${day(30)})`,
      `(9, null, null, null, null, ${day(40)})`,
      `(10, null, null, null, null, null)`,
    ];
    const AGES = ['finished', 'queued', epoch('createdMs', 'ms'), 'day'];

    beforeEach(async () => insert(ROWS));

    test.each([{}, { size: 1 }, { lockFirst: true }])(
      'the first that is not null counts: %j',
      async (options) => {
        await runAsPreviewed(source.url, policyWith(AGES), options);
        expect(await source.ids('resource')).toEqual([2, 4, 6, 8, 10]);
      },
    );

    test('a retention that stands in a column, and the most that may stay, count by it', async () => {
      await runAsPreviewed(source.url, policyWith(AGES, { olderThan: null, keepAtMost: { rows: 5 } }));
      expect(await source.ids('resource')).toHaveLength(6);
      const column = { column: 'id', unit: 'days', default: null };
      await runAsPreviewed(source.url, policyWith(AGES, { olderThan: column, allowShort: true }));
      expect(await source.ids('resource')).toEqual([10]);
    });

    test('explain names the day on which a date is over everywhere', async () => {
      const { passes } = await explainRow(opened(), policyWith(AGES), 'Resource', '8');
      const over = new Date(Date.parse(day(30).slice(1, -1)) + (36 + 30 * 24) * 3_600_000);
      expect(Date.parse(passes[0]?.from ?? '')).toBe(over.getTime());
    });
  });
});
