import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import type { EpochUnit } from '../../../policy/epoch.ts';
import { epoch } from '../../../policy/epoch.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { parentAge } from '../../../policy/parent-age.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Option } from './option.ts';
import { justOver, justUnder, overSince1970, underSince1970 } from './option.ts';

const Visit = defineEntity({
  name: 'Visit',
  properties: {
    id: p.integer().primary(),
    seen: p.bigint('string').nullable(),
    at: p.datetime().nullable(),
    day: p.date().nullable(),
    meetingId: p.integer().nullable(),
  },
});
const Meeting = defineEntity({
  name: 'Meeting',
  properties: { id: p.integer().primary(), endedAt: p.datetime().nullable() },
});
const old = { name: 'old', entity: Visit, olderThan: '10 days' } as const;

/** Of five visits the first is old, the second young, and the others have no age. */
const ONE_OF_FIVE: Pick<Option, 'explained' | 'advice'> = {
  explained: [
    ['Visit', 1, 'old'],
    ['Visit', 2, ['too-young']],
    ['Visit', 3, ['no-age']],
    ['Visit', 4, ['no-age']],
    ['Visit', 5, ['no-age']],
  ],
  advice: [/pass old: matching rows without an age, which never expire: about 3/],
};

const PER_SECOND = { s: 1, ms: 1000, us: 1_000_000 } as const;
const TYPES = ['bigint', 'numeric', 'double precision'];

/** A number just over and one just under its age; no number; 0 for never; and one that is no instant in this unit. */
function makeEpoch(
  unit: EpochUnit,
  type: string,
  pass: Pass = expireRows({ ...old, age: epoch('seen', unit) }),
): Option {
  const perSecond = PER_SECOND[unit];
  // Four bytes have no milliseconds since 1970: the last second before those that count.
  const none = type === 'integer' ? 99_999_999 : overSince1970(10, unit === 's' ? 1000 : 1);
  return {
    name: `an age in ${unit} since 1970, in ${type}, of ${pass.kind}`,
    schema: `
      create table meeting (id integer primary key);
      create table visit (id integer primary key, seen ${type}, meeting_id integer default 99);
      create index visit_meeting on visit (meeting_id);
      insert into meeting values (1);
      create index visit_seen on visit (seen);
      insert into visit (id, seen) values (1, ${overSince1970(10, perSecond)}), (2, ${underSince1970(10, perSecond)}), (3, null), (4, 0), (5, ${none});`,
    entities: [Visit, Meeting],
    passes: [pass],
    deleted: { old: { visit: 1 } },
    left: { visit: [2, 3, 4, 5], meeting: [1] },
    ...ONE_OF_FIVE,
  };
}

/** Ages in other forms, and elsewhere. */
export const AGES: readonly Option[] = [
  ...(['s', 'ms', 'us'] as const).flatMap((unit) => TYPES.map((type) => makeEpoch(unit, type))),
  // SQLite has one type of whole numbers.
  { ...makeEpoch('s', 'integer'), only: 'PostgreSQL' },
  makeEpoch(
    'ms',
    'bigint',
    deleteOrphans({
      name: 'old',
      entity: Visit,
      by: 'meetingId',
      parent: Meeting,
      age: epoch('seen', 'ms'),
      grace: '10 days',
    }),
  ),
  {
    name: 'the age of a parent',
    schema: `
      create table meeting (id integer primary key, ended_at timestamp with time zone);
      create table visit (id integer primary key, meeting_id integer);
      insert into meeting values (1, ${justOver(10)}), (2, ${justUnder(10)}), (3, null);
      insert into visit values (1, 1), (2, 2), (3, 3), (4, null), (5, 99);`,
    entities: [Visit, Meeting],
    passes: [expireRows({ ...old, age: parentAge({ parent: Meeting, by: 'meetingId', age: 'endedAt' }) })],
    deleted: { old: { visit: 1 } },
    left: { visit: [2, 3, 4, 5], meeting: [1, 2, 3] },
    ...ONE_OF_FIVE,
  },
  {
    name: 'a fallback of another type, and rows without any age',
    schema: `
      create table visit (id integer primary key, at timestamp with time zone, seen bigint, day date);
      insert into visit values
        (1, ${justOver(10)}, null, null), (2, ${justUnder(10)}, ${overSince1970(10, 1)}, null),
        (3, null, ${overSince1970(10, 1)}, null), (4, null, ${underSince1970(10, 1)}, '2020-01-01'),
        (5, null, null, '2020-01-01'), (6, null, 0, null);`,
    entities: [Visit],
    passes: [expireRows({ ...old, age: ['at', epoch('seen', 's'), 'day'] })],
    deleted: { old: { visit: 3 } },
    left: { visit: [2, 4, 6] },
    explained: [
      ['Visit', 1, 'old'],
      ['Visit', 2, ['too-young']],
      ['Visit', 3, 'old'],
      ['Visit', 4, ['too-young']],
      ['Visit', 5, 'old'],
      ['Visit', 6, ['no-age']],
    ],
    advice: [/pass old: matching rows without an age, which never expire: about 1/],
  },
];
