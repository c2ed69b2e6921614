import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../../activities/ledger/database.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { runEngine } from '../../../support/engine.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const Shelf = defineEntity({
  name: 'Shelf',
  properties: { id: p.integer().primary(), closed: p.datetime().nullable() },
});
const Book = defineEntity({
  name: 'Book',
  properties: {
    id: p.integer().primary(),
    at: p.datetime().columnType('timestamptz'),
    lent: p.datetime().nullable(),
    tags: p.json().nullable(),
    shelf: () => p.manyToOne(Shelf).nullable(),
  },
});

function makePolicy(where: object): Policy {
  const pass = expireRows({
    name: 'old',
    entity: Book,
    age: 'at',
    olderThan: '1 day',
    where,
  });
  return definePolicy({ name: 'books', enabled: true, entities: [Book, Shelf], passes: [pass] });
}

const DAY = new Date('2024-05-05T10:00:00.000Z');
const before = DAY.getTime() - 1;
const at = DAY.getTime();
const after = DAY.getTime() + 1;

/** How libraries write an instant. */
const FORMS: readonly (readonly [string, (millis: number) => unknown])[] = [
  [
    'text with a blank and microseconds',
    (ms) => `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}000`,
  ],
  ['text with T and Z', (ms) => new Date(ms).toISOString()],
  ['text with an offset', (ms) => `${new Date(ms).toISOString().slice(0, 23)}+00:00`],
  ['integer milliseconds', (ms) => BigInt(ms)],
  ['integer microseconds', (ms) => BigInt(ms * 1000)],
  ['real seconds', (ms) => ms / 1000],
];

describe('filters on SQLite', () => {
  let file: TestFile;
  afterEach(() => file.drop());

  function fill(rows: readonly { readonly lent?: unknown; readonly tags?: string | null }[]): void {
    file = createFile(`
      create table shelf (id integer primary key, closed datetime);
      insert into shelf values (1, '2020-01-01 00:00:00'), (2, '2030-01-01 00:00:00');
      create table book (id integer primary key, at datetime, lent datetime, tags json, shelf_id integer);`);
    for (const [n, { lent = null, tags = null }] of rows.entries()) {
      file.rows(`insert into book values (?, '2020-01-01 00:00:00', ?, ?, ?) returning id`, [
        n + 1,
        lent,
        tags,
        1 + (n % 2),
      ]);
    }
  }

  async function deletedBy(where: object): Promise<number[]> {
    const ids = (): number[] =>
      file.rows<{ id: number }>('select id from book order by id').map(({ id }) => id);
    const all = ids();
    await runEngine(file.url, makePolicy(where));
    const left = new Set(ids());
    return all.filter((id) => !left.has(id));
  }

  describe.each(FORMS)('a date beside a column with %s', (_, write) => {
    test.each([
      ['$lt', { $lt: DAY }, [1]],
      ['$lte', { $lte: DAY }, [1, 2]],
      ['$gt', { $gt: DAY }, [3]],
      ['$gte', { $gte: DAY }, [2, 3]],
      ['no operator', DAY, [2]],
      ['$ne', { $ne: DAY }, [1, 3]],
      ['$in', { $in: [DAY, new Date(after)] }, [2, 3]],
      ['$nin', { $nin: [DAY] }, [1, 3]],
      ['a range', { $gt: new Date(before), $lt: new Date(after) }, [2]],
      ['the text of a date', { $lt: '2024-05-05T10:00:00Z' }, [1]],
    ])('%s means the same instants', async (_operator, lent, expected) => {
      fill([{ lent: write(before) }, { lent: write(at) }, { lent: write(after) }, {}]);
      expect(await deletedBy({ lent })).toEqual(expected);
    });
  });

  test('values of several forms in one column are each read in their own', async () => {
    fill([
      { lent: BigInt(before) },
      { lent: '2024-05-05 09:59:59' },
      { lent: BigInt(after) },
      { lent: '2024-05-06' },
    ]);
    expect(await deletedBy({ lent: { $lt: DAY } })).toEqual([1, 2]);
  });

  test.each([['never'], [0], ['2024-05-05T10:00:00+02:00'], [Buffer.from('2020-01-01')], ['']])(
    'a value %p that is no instant is an error that names the column, and the row stays',
    async (lent) => {
      fill([{ lent }]);
      await expect(deletedBy({ lent: { $lt: DAY } })).rejects.toThrow(
        'column lent has a value that is no instant in a known form',
      );
      expect(file.value('select count(*) from book')).toBe(1);
    },
  );

  test('such a value that comes after the run began ends its pass, and is never deleted', async () => {
    fill(Array.from({ length: 20 }, () => ({ lent: '2020-01-01 00:00:00' })));
    const run = runEngine(file.url, makePolicy({ lent: { $lt: DAY } }), {
      size: 5,
      afterBatch: async () => file.execute(`update book set lent = 'never' where id = 20`),
    });
    await expect(run).rejects.toThrow('column lent has a value that is no instant in a known form');
    expect(file.value('select count(*) from book where id = 20')).toBe(1);
  });

  test('dates of a row that the row names are compared as well', async () => {
    fill([{}, {}, {}]);
    expect(await deletedBy({ shelf: { closed: { $lt: DAY } } })).toEqual([1, 3]);
  });

  test.each([
    ['one text', { $contains: ['a'] }, [1, 2]],
    ['two texts', { $contains: ['b', 'a'] }, [2]],
    ['a number', { $contains: [1] }, [4]],
    ['no value, which every list has', { $contains: [] }, [1, 2, 3, 4, 5]],
  ])('$contains with %s means lists that have it', async (_, tags, expected) => {
    const values = [
      '["a"]',
      '["a", "b"]',
      '["ab"]',
      '[1.0, "c"]',
      '["A", "1"]',
      '{"a": "a"}',
      '"a"',
      null,
      'a, no JSON',
    ];
    fill(values.map((one) => ({ tags: one })));
    expect(await deletedBy({ tags })).toEqual(expected);
  });

  test('what is no list has no value for sure, and a row without one stays whatever $not says', async () => {
    fill([{ tags: '["b"]' }, { tags: null }, { tags: 'no JSON' }, { tags: '["a"]' }]);
    expect(await deletedBy({ $not: { tags: { $contains: ['a'] } } })).toEqual([1]);
  });

  test.each([
    ['$contains with an object', { tags: { $contains: [{ a: 1 }] } }, /\$contains with anything but a list/],
    ['a date that is none', { lent: { $lt: 'yesterday' } }, /that is no Date/],
    ['a number for a date', { lent: { $lt: 5 } }, /that is no Date/],
    ['a date inside of JSON', { tags: { a: DAY } }, /a date in a filter in such a place/],
    ['$ilike', { tags: { $ilike: 'a%' } }, /\$ilike in a filter/],
  ])('%s is refused by name, and nothing is deleted', async (_, where, message) => {
    fill([{ tags: '["a"]' }]);
    await expect(deletedBy(where)).rejects.toThrow(message);
    expect(file.value('select count(*) from book')).toBe(1);
  });

  test('a hold by a date keeps its rows', async () => {
    fill([{ lent: BigInt(before) }, { lent: BigInt(after) }]);
    const policy = makePolicy({ id: { $gt: 0 } });
    const database = await openDatabase(file.url);
    await addHold(database, policy, {
      entity: 'Book',
      rows: { filter: { lent: { $gt: '2024-05-05T10:00:00Z' } } },
      reason: 'a claim',
      who: 'somebody',
      until: null,
    });
    await database.close();
    expect(await deletedBy({ id: { $gt: 0 } })).toEqual([1]);
  });
});
