import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import { dropPartitions } from '../../../policy/drop-partitions.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';
import { justOver, justUnder } from './option.ts';

const Reading = defineEntity({
  name: 'Reading',
  properties: { id: p.integer().primary(), at: p.datetime().primary(), state: p.string() },
});
const Plan = defineEntity({
  name: 'Plan',
  properties: { id: p.integer().primary(), keep: p.integer().nullable() },
});
const Device = defineEntity({
  name: 'Device',
  properties: { id: p.integer().primary(), made: p.datetime(), plan: p.integer().nullable() },
});
const Use = defineEntity({
  name: 'Use',
  tableName: 'used',
  properties: { id: p.integer().primary(), at: p.datetime().primary(), device: p.integer().nullable() },
});
const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
const MARGIN = 30 / 1440;

const bounds = [60, 40, 20, 5].map(ago);
/** The instants of the rows, by their id. */
const at = [0, 50, 45, 30, 10 + MARGIN, 10 - MARGIN, 90, 1].map(ago);

/** Two partitions wholly past 10 days, one around them, a default one; each with rows. */
const READINGS = `
  create table reading (id integer, at timestamp with time zone, state text, primary key (id, at)) partition by range (at);
  create table reading_1 partition of reading for values from ('${bounds[0]}') to ('${bounds[1]}');
  create table reading_2 partition of reading for values from ('${bounds[1]}') to ('${bounds[2]}');
  create table reading_3 partition of reading for values from ('${bounds[2]}') to ('${bounds[3]}');
  create table reading_default partition of reading default;
  create index reading_at on reading (at);
  insert into reading values
    ${at
      .map((instant, id) => `(${id}, '${instant}', '${id === 3 ? 'open' : 'done'}')`)
      .slice(1)
      .join(', ')};`;
const options = { entity: Reading, age: 'at', olderThan: '10 days' } as const;

/** Devices with plans in two partitions, and used by rows in two partitions. Each of both has rows of its own. */
const DEVICES = `
  create table device (id integer primary key, made timestamp with time zone, plan integer);
  create index device_made on device (made);
  create index device_plan on device (plan);
  create table plan (id integer primary key, keep integer) partition by list (id);
  create table plan_1 partition of plan for values in (1);
  create table plan_2 partition of plan for values in (2);
  create table used (id integer, at timestamp with time zone, device integer, primary key (id, at)) partition by range (at);
  create table used_old partition of used for values from (minvalue) to ('2020-01-01');
  create table used_default partition of used default;
  create index used_device on used (device);
  insert into plan values (1, 10), (2, 30);
  insert into device values
    (1, ${justOver(10)}, 1), (2, ${justOver(10)}, 2), (3, ${justOver(10)}, null), (4, ${justUnder(10)}, 1),
    (5, ${justOver(10)}, 9), (6, ${justOver(30)}, 2), (7, ${justUnder(10)}, 9);
  insert into used values (1, '2019-06-01', 1), (2, ${justOver(1)}, 2), (3, ${justOver(1)}, null);`;
const devices = { name: 'old', entity: Device, age: 'made' } as const;
const read = { plan: [1, 2], used: [1, 2, 3] } as const;

/** Partitioned tables: PostgreSQL only, since SQLite has none. */
export const PARTITIONS: readonly Option[] = [
  {
    name: 'partitions that are dropped, and the rest by rows',
    schema: READINGS,
    entities: [Reading],
    passes: [dropPartitions({ name: 'drop', ...options }), expireRows({ name: 'rest', ...options })],
    deleted: { drop: { reading: 3 }, rest: { reading: 2 } },
    waiting: { drop: 3, rest: 5 },
    left: { reading: [5, 7] },
    explained: [
      ['Reading', `id=1,at=${at[1]}`, 'drop'],
      ['Reading', `id=3,at=${at[3]}`, 'drop'],
      ['Reading', `id=4,at=${at[4]}`, 'rest'],
      ['Reading', `id=5,at=${at[5]}`, ['young-partition', 'too-young']],
      ['Reading', `id=6,at=${at[6]}`, 'rest'],
      ['Reading', `id=7,at=${at[7]}`, ['open-partition', 'too-young']],
    ],
  },
  {
    name: 'a partition with a row that is held',
    schema: READINGS,
    entities: [Reading],
    passes: [dropPartitions({ name: 'drop', ...options })],
    holds: [{ entity: 'Reading', rows: { filter: { state: 'open' } } }],
    deleted: { drop: { reading: 2 } },
    left: { reading: [3, 4, 5, 6, 7] },
    explained: [
      ['Reading', `id=1,at=${at[1]}`, 'drop'],
      ['Reading', `id=3,at=${at[3]}`, ['held']],
      ['Reading', `id=4,at=${at[4]}`, ['young-partition']],
      ['Reading', `id=6,at=${at[6]}`, ['open-partition']],
    ],
  },
  {
    name: 'a partitioned table whose rows reference, without a foreign key',
    schema: DEVICES,
    entities: [Device, Use, Plan],
    passes: [
      deleteUnreferenced({
        ...devices,
        grace: '10 days',
        references: [softReference({ entity: Use, by: 'device' })],
      }),
    ],
    deleted: { old: { device: 3 } },
    left: { device: [1, 2, 4, 7], ...read },
    explained: [
      ['Device', 3, 'old'],
      ['Device', 1, ['referenced']],
      ['Device', 2, ['referenced']],
      ['Device', 4, ['too-young']],
    ],
  },
  {
    name: 'a partitioned table whose rows reference by a foreign key',
    schema: `${DEVICES}
      alter table used add foreign key (device) references device (id);`,
    entities: [Device, Use, Plan],
    passes: [expireRows({ ...devices, olderThan: '10 days' })],
    deleted: { old: { device: 3 } },
    left: { device: [1, 2, 4, 7], ...read },
    explained: [
      ['Device', 3, 'old'],
      ['Device', 1, ['referenced']],
      ['Device', 2, ['referenced']],
      ['Device', 4, ['too-young']],
    ],
    advice: [
      /it keeps rows as long as rows of used_old that stay reference them/,
      /it keeps rows as long as rows of used_default that stay reference them/,
    ],
  },
  {
    name: 'a partitioned table whose rows are parents with a retention',
    schema: DEVICES,
    entities: [Device, Use, Plan],
    passes: [
      expireRows({
        ...devices,
        olderThan: { parent: Plan, by: 'plan', column: 'keep', unit: 'days', default: null },
      }),
    ],
    deleted: { old: { device: 2 } },
    left: { device: [2, 3, 4, 5, 7], ...read },
    explained: [
      ['Device', 1, 'old'],
      ['Device', 6, 'old'],
      ['Device', 2, ['too-young']],
      ['Device', 4, ['too-young']],
      ['Device', 3, ['kept-for-ever']],
      ['Device', 5, ['kept-for-ever']],
    ],
  },
  {
    name: 'a partitioned table whose rows are parents that others lost',
    schema: DEVICES,
    entities: [Device, Use, Plan],
    passes: [deleteOrphans({ ...devices, by: 'plan', parent: Plan, grace: '10 days' })],
    deleted: { old: { device: 1 } },
    left: { device: [1, 2, 3, 4, 6, 7], ...read },
    explained: [
      ['Device', 5, 'old'],
      ['Device', 7, ['too-young']],
      ['Device', 1, ['parent-exists']],
      ['Device', 2, ['parent-exists']],
      ['Device', 3, ['no-parent']],
    ],
  },
];
