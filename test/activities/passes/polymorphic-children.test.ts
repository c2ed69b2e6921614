import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p, raw } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import type { SoftChild } from '../../../policy/expire-rows.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Purchase = defineEntity({
  name: 'Purchase',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Item = defineEntity({
  name: 'Item',
  properties: { id: p.integer().primary(), purchaseId: p.integer() },
});
const Note = defineEntity({
  name: 'Note',
  properties: {
    id: p.integer().primary(),
    ownerType: p.string().nullable(),
    ownerId: p.integer(),
    writer: () => p.manyToOne(Purchase).nullable(),
  },
});
const Stamp = defineEntity({
  name: 'Stamp',
  properties: { id: p.integer().primary(), noteId: p.integer() },
});

/** Six purchases, of which the first four are old, each with an item; notes of purchases, customers, nothing and items. */
const SCHEMA = `
  create table purchase (id integer primary key, at timestamp with time zone);
  create table item (id integer primary key, purchase_id integer);
  create table note (id integer primary key, owner_type text, owner_id integer, writer_id integer);
  create table stamp (id integer primary key, note_id integer);
  create index note_owner on note (owner_id);
  ${[1, 2, 3, 4, 5, 6]
    .map(
      (id) => `
        insert into purchase values (${id}, ${daysAgo(id <= 4 ? 11 : 9)});
        insert into item values (${id}, ${id});
        insert into note (id, owner_type, owner_id) values
          (${id}, 'purchase', ${id}), (${10 + id}, 'customer', ${id}), (${20 + id}, null, ${id}), (${30 + id}, 'item', ${id});
        insert into stamp select ${id} + d, ${id} + d from (select 0 as d union select 10 union select 20 union select 30) as x;`,
    )
    .join('')}`;
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

const makeNotes = (ownerType: string, own: readonly SoftChild[] = []): SoftChild =>
  softChild({ entity: Note, by: 'ownerId', where: { ownerType }, with: own });
const stamps = softChild({ entity: Stamp, by: 'noteId' });

function makePolicy(...passes: readonly Pass[]): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Purchase, Item, Note, Stamp],
    passes: [...passes],
  });
}

function expire(...children: readonly SoftChild[]): Policy {
  return makePolicy(
    expireRows({ name: 'old', entity: Purchase, age: 'at', olderThan: '10 days', with: [...children] }),
  );
}

describe.each(DIALECTS)('rows of several entities that a column tells apart, on %s', (_, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    database = await open(SCHEMA);
  });
  afterEach(async () => database.drop());

  async function using<T>(work: (opened: Database) => Promise<T>): Promise<T> {
    const opened = await openDatabase(database.url);
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  }

  const sizes = [{}, { lockFirst: true, size: 2 }];

  test.each(sizes)('only children of the named kind go: %j', async (options) => {
    await runAsPreviewed(database.url, expire(makeNotes('purchase')), options);
    expect(await database.ids('purchase')).toEqual([5, 6]);
    expect(await database.ids('note')).toEqual([5, 6, ...range(11, 16), ...range(21, 26), ...range(31, 36)]);
    expect(await database.ids('stamp')).toHaveLength(24);
  });

  test.each(sizes)('what belongs to others stays with them: %j', async (options) => {
    await runAsPreviewed(database.url, expire(makeNotes('purchase', [stamps])), options);
    const left = [5, 6, ...range(11, 16), ...range(21, 26), ...range(31, 36)];
    expect(await database.ids('note')).toEqual(left);
    expect(await database.ids('stamp')).toEqual(left);
  });

  test.each(sizes)('a table may hold children of several kinds: %j', async (options) => {
    const items = softChild({ entity: Item, by: 'purchaseId', with: [makeNotes('item', [stamps])] });
    await runAsPreviewed(database.url, expire(makeNotes('purchase', [stamps]), items), options);
    const left = [5, 6, ...range(11, 16), ...range(21, 26), 35, 36];
    expect(await database.ids('item')).toEqual([5, 6]);
    expect(await database.ids('note')).toEqual(left);
    expect(await database.ids('stamp')).toEqual(left);
  });

  test('a hold on a row of another kind keeps nothing, and one on a child keeps its parent', async () => {
    const policy = expire(makeNotes('purchase', [stamps]));
    const held = [
      ['Note', '2'],
      ['Note', '13'],
      ['Stamp', '14'],
    ] as const;
    await using(async (opened) => {
      for (const [entity, key] of held) {
        await addHold(opened, policy, { entity, rows: { key }, reason: 'asked', who: 'me', until: null });
      }
    });
    await runAsPreviewed(database.url, policy);
    expect(await database.ids('purchase')).toEqual([2, 5, 6]);
    expect(await database.ids('note')).toEqual([
      2,
      5,
      6,
      ...range(11, 16),
      ...range(21, 26),
      ...range(31, 36),
    ]);
  });

  test('explain names the row that a child goes with, and none for another kind', async () => {
    const policy = expire(makeNotes('purchase'));
    const explain = async (key: string): Promise<(string | null)[]> => {
      const { goesBy, passes } = await using(async (opened) => explainRow(opened, policy, 'Note', key));
      return [goesBy, ...passes.map(({ pass, role }) => `${pass} ${role}`)];
    };
    expect(await explain('4')).toEqual(['old', 'old along']);
    expect(await explain('5')).toEqual([null, 'old along']);
    expect(await explain('14')).toEqual([null]);
  });

  test('only references of the named kind keep a row', async () => {
    await database.execute('delete from note where id in (1, 3, 5)');
    const references = [softReference({ entity: Note, by: 'ownerId', where: { ownerType: 'purchase' } })];
    const unused = deleteUnreferenced({
      name: 'unused',
      entity: Purchase,
      age: 'at',
      grace: '10 days',
      references,
    });
    await runAsPreviewed(database.url, makePolicy(unused));
    expect(await database.ids('purchase')).toEqual([2, 4, 5, 6]);
  });

  test('a reference that an earlier pass deletes keeps nothing', async () => {
    const notes = expireRows({
      name: 'old',
      entity: Purchase,
      age: 'at',
      olderThan: '10 days',
      where: { id: { $in: [1, 2] } },
      with: [makeNotes('customer')],
    });
    const references = [softReference({ entity: Note, by: 'ownerId', where: { ownerType: 'customer' } })];
    await database.execute("delete from note where owner_type = 'customer' and owner_id = 4");
    const unused = deleteUnreferenced({ name: 'unused', entity: Purchase, age: 'at', references });
    await runAsPreviewed(database.url, makePolicy(notes, unused));
    expect(await database.ids('purchase')).toEqual([3, 5, 6]);
  });

  test('what cannot be meant is refused', async () => {
    const refusal = async (child: SoftChild): Promise<string> =>
      runEngine(database.url, expire(child)).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    const by = 'ownerId';
    const own = 'such a filter may only compare columns of Note';
    expect(await refusal(softChild({ entity: Note, by, where: { writer: { at: null } } }))).toContain(own);
    expect(
      await refusal(softChild({ entity: Note, by, where: { [raw('length(owner_type)')]: 4 } })),
    ).toContain(own);
    expect(await refusal(softChild({ entity: Note, by, where: {} }))).toContain('has no condition');
    expect(await refusal(softChild({ entity: Note, by, where: undefined as never }))).toContain(
      'undefined, which is no filter',
    );
    await database.execute(`
      create table reply (id integer primary key, owner_type text, owner_id integer references purchase on delete cascade)`);
    const Reply = defineEntity({
      name: 'Reply',
      properties: { id: p.integer().primary(), ownerType: p.string(), ownerId: p.integer() },
    });
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Purchase, Reply],
      passes: [
        expireRows({
          name: 'old',
          entity: Purchase,
          age: 'at',
          olderThan: '10 days',
          with: [softChild({ entity: Reply, by, where: { ownerType: 'purchase' } })],
        }),
      ],
    });
    await expect(runEngine(database.url, policy)).rejects.toThrow('a foreign key acts on all of its rows');
    expect(await database.ids('purchase')).toHaveLength(6);
  });
});
