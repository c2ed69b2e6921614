import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { openDatabase } from '../../../../activities/ledger/database.ts';
import { checkAgainst } from '../../../../activities/plan/resolve-policy.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { runEngine } from '../../../support/engine.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

const Visit = defineEntity({
  name: 'Visit',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz').nullable() },
});
/** The same without a word about the time zone. */
const LocalVisit = defineEntity({
  name: 'LocalVisit',
  tableName: 'visit',
  properties: { id: p.integer().primary(), at: p.datetime().nullable() },
});

const EndedVisit = defineEntity({
  name: 'EndedVisit',
  tableName: 'visit',
  properties: {
    id: p.integer().primary(),
    at: p.datetime().columnType('timestamptz').nullable(),
    ended: p.datetime().columnType('timestamptz').nullable(),
  },
});

function makePolicy(entity: typeof Visit | typeof LocalVisit = Visit): Policy {
  const pass = expireRows({ name: 'old', entity: entity as typeof Visit, age: 'at', olderThan: '48 hours' });
  return definePolicy({ name: 'visits', enabled: true, entities: [entity], passes: [pass] });
}

/** How libraries write an instant. */
const FORMS: readonly (readonly [string, (millis: number) => unknown])[] = [
  [
    'text with a blank, as SQLAlchemy and SQLite itself',
    (at) => new Date(at).toISOString().slice(0, 19).replace('T', ' '),
  ],
  [
    'text with a blank and microseconds',
    (at) => `${new Date(at).toISOString().slice(0, 23).replace('T', ' ')}000`,
  ],
  ['text with T and Z, as JavaScript', (at) => new Date(at).toISOString()],
  ['text with T and no zone', (at) => new Date(at).toISOString().slice(0, 23)],
  [
    'text with an offset, as Django',
    (at) => `${new Date(at).toISOString().slice(0, 23).replace('T', ' ')}+00:00`,
  ],
  ['integer seconds', (at) => Math.floor(at / 1000)],
  ['integer milliseconds, as MikroORM', (at) => at],
  ['integer microseconds', (at) => at * 1000],
  ['real seconds', (at) => at / 1000],
];

describe('dates as SQLite files have them', () => {
  let file: TestFile;
  afterEach(() => file.drop());

  function fill(values: readonly unknown[], declared = 'datetime'): void {
    file = createFile(`create table visit (id integer primary key, at ${declared})`);
    for (const [n, value] of values.entries()) {
      file.rows('insert into visit (id, at) values (?, ?) returning id', [
        n + 1,
        typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value,
      ]);
    }
  }

  const ids = (): number[] =>
    file.rows<{ id: number }>('select id from visit order by id').map(({ id }) => id);

  describe.each(['datetime', 'timestamp', 'text', 'integer', ''])(
    'in a column declared as "%s"',
    (declared) => {
      test.each(FORMS)(
        '%s: what is just past the horizon goes, what is just within stays',
        async (_, write) => {
          const now = Date.now();
          const values = [write(now - 48 * HOUR - MINUTE), write(now - 48 * HOUR + MINUTE), write(now), null];
          // A number in a column for texts becomes one, which is no form of a date.
          if (declared === 'text' && typeof values[0] === 'number') return fill([]);
          fill(values, declared);
          await runEngine(file.url, makePolicy());
          expect(ids()).toEqual([2, 3, 4]);
        },
      );
    },
  );

  test.each([
    ['a number', 'a text', [Date.now(), '2020-01-01 00:00:00']],
    ['two forms of text', '', ['2020-01-01 00:00:00', '2020-01-01T00:00:00Z']],
    ['two units', '', [1_700_000_000, 1_700_000_000_000]],
    ['a blob', '', [Buffer.from('2020-01-01')]],
    ['a text that is no date', '', ['never']],
    ['an offset that is not UTC', '', ['2020-01-01T00:00:00+02:00']],
    ['a number that is no instant', '', [0]],
    ['a date beside instants', '', ['2020-01-01', '2020-01-01 00:00:00']],
  ])('%s %s is an error that names the column, and nothing is deleted', async (_a, _b, values) => {
    fill(values);
    await expect(runEngine(file.url, makePolicy())).rejects.toThrow(/age names Visit\.at, which has values/);
    expect(ids()).toHaveLength(values.length);
  });

  test('a value of another form that comes after the run began stays, whatever it is less than', async () => {
    fill(Array.from({ length: 20 }, () => '2020-01-01 00:00:00'));
    let batches = 0;
    await runEngine(file.url, makePolicy(), {
      size: 5,
      scan: 'by-location',
      afterBatch: async () => {
        batches += 1;
        if (batches > 1) return;
        file.execute(
          `insert into visit values (100, 5), (101, '1999'), (102, x'00'), (103, 1.5), (104, '2020-01-01T00:00:00Z')`,
        );
      },
    });
    expect(ids()).toEqual([100, 101, 102, 103, 104]);
  });

  test.each([
    [
      'instants',
      ['0000-00-00 00:00:00', '2020-19-39 00:00:00', '2020-01-01 29:59:69'],
      '2020-01-01 00:00:00',
    ],
    ['days', ['0000-00-00', '2020-19-39'], '2020-01-01'],
  ])('a text that is written like %s and is no date stays', async (_, values, old) => {
    fill([...values, old]);
    const report = await runEngine(file.url, makePolicy());
    expect([report.rows, ids()]).toEqual([1, values.map((__, n) => n + 1)]);
  });

  test('a text without a time zone is taken for twelve hours younger, unless the entity says timestamptz', async () => {
    const now = Date.now();
    const write = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');
    fill([write(now - 48 * HOUR - MINUTE), write(now - 60 * HOUR - MINUTE)]);
    await runEngine(file.url, makePolicy(LocalVisit));
    expect(ids()).toEqual([1]);
    await runEngine(file.url, makePolicy(Visit));
    expect(ids()).toEqual([]);
  });

  test('of two ages one may have no value yet', async () => {
    file = createFile('create table visit (id integer primary key, at datetime, ended datetime)');
    file.execute(`insert into visit values (1, '2020-01-01 00:00:00', null), (2, datetime('now'), null)`);
    const pass = expireRows({ name: 'old', entity: EndedVisit, age: ['ended', 'at'], olderThan: '48 hours' });
    const policy = definePolicy({ name: 'visits', enabled: true, entities: [EndedVisit], passes: [pass] });
    await runEngine(file.url, policy);
    expect(ids()).toEqual([2]);
  });

  test('a column without any value has no form, and no row of it goes', async () => {
    fill([null, null]);
    const database = await openDatabase(file.url);
    await checkAgainst(database.session, makePolicy(), ['old'], 'execute');
    await database.close();
    const report = await runEngine(file.url, makePolicy());
    expect([report.rows, ids()]).toEqual([0, [1, 2]]);
  });

  test('the horizon itself is not past it, however many digits a second has', async () => {
    fill([
      '2020-01-01 00:00:00',
      '2020-01-01 00:00:00.000',
      '2020-01-01 00:00:00.000000',
      '2019-12-31 23:59:59.999999',
    ]);
    const { session, close } = await openDatabase(file.url);
    const column = { name: 'at', type: 'timestamp text blank with time zone' };
    const table = { schema: 'main', name: 'visit', label: 'visit' };
    const where = session.view().isOlder(column, '2020-01-01T00:00:00.000Z');
    expect(await session.tables.count(table, where, undefined)).toMatchObject({ rows: 1 });
    await close();
  });
});
