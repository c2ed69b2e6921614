import { defineEntity, p } from '@mikro-orm/core';

import { dropPartitions } from '../../../policy/drop-partitions.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Option } from './option.ts';

const Reading = defineEntity({
  name: 'Reading',
  properties: { id: p.integer().primary(), at: p.datetime().primary(), state: p.string() },
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
];
