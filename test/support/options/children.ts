import { defineEntity, p } from '@mikro-orm/core';

import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver, justUnder } from './option.ts';

const Purchase = defineEntity({
  name: 'Purchase',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Note = defineEntity({
  name: 'Note',
  properties: { id: p.integer().primary(), ownerType: p.string(), ownerId: p.integer() },
});

/** An old and a young purchase, each with a note, and customers with the same numbers. */
const NOTES = `
  create table purchase (id integer primary key, at timestamp with time zone);
  create index purchase_at on purchase (at);
  create table note (id integer primary key, owner_type text, owner_id integer);
  create index note_owner on note (owner_id);
  insert into purchase values (1, ${justOver(10)}), (2, ${justUnder(10)}), (3, ${justOver(10)});
  insert into note values (1, 'purchase', 1), (2, 'purchase', 2), (11, 'customer', 1), (12, 'customer', 3);`;
const old = { name: 'old', entity: Purchase, age: 'at' } as const;

/** Children and references that a column tells apart. */
export const CHILDREN: readonly Option[] = [
  {
    name: 'soft children with a where',
    schema: NOTES,
    entities: [Purchase, Note],
    passes: [
      expireRows({
        ...old,
        olderThan: '10 days',
        with: [softChild({ entity: Note, by: 'ownerId', where: { ownerType: 'purchase' } })],
      }),
    ],
    deleted: { old: { purchase: 2, note: 1 } },
    left: { purchase: [2], note: [2, 11, 12] },
    explained: [
      ['Purchase', 1, 'old'],
      ['Purchase', 2, ['too-young']],
      ['Note', 1, 'old'],
      ['Note', 2, ['too-young']],
      ['Note', 11, []],
    ],
  },
  {
    name: 'soft references with a where',
    schema: NOTES,
    entities: [Purchase, Note],
    passes: [
      deleteUnreferenced({
        ...old,
        grace: '10 days',
        references: [softReference({ entity: Note, by: 'ownerId', where: { ownerType: 'purchase' } })],
      }),
    ],
    deleted: { old: { purchase: 1 } },
    left: { purchase: [1, 2], note: [1, 2, 11, 12] },
    explained: [
      ['Purchase', 3, 'old'],
      ['Purchase', 1, ['referenced']],
      ['Purchase', 2, ['too-young', 'referenced']],
    ],
  },
];
