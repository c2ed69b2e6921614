import { defineEntity, p, raw } from '@mikro-orm/core';

import { defineConfig, definePolicy, expireRows } from '../../index.ts';
import type { Policy } from '../../policy/policy.ts';

// Policies over `thing`, whose filters fail in the database in one way each; see test/worker/cli/database-errors.test.ts.

const Owner = defineEntity({
  name: 'Owner',
  tableName: 'owner',
  properties: { id: p.integer().primary(), things: () => p.oneToMany(Thing).mappedBy('owner') },
});
const Thing = defineEntity({
  name: 'Thing',
  tableName: 'thing',
  properties: {
    id: p.integer().primary(),
    owner: () => p.manyToOne(Owner).nullable(),
    state: p.string(),
    at: p.datetime(),
  },
});

function one(name: string, where?: object): Policy {
  const pass = expireRows({
    name: 'things',
    entity: Thing,
    age: 'at',
    olderThan: '30 days',
    ...(where && { where }),
  } as never);
  return definePolicy({
    name,
    enabled: true,
    entities: [Owner, Thing],
    limits: { maxPercent: 100 },
    passes: [pass],
  });
}

export default defineConfig({
  databases: { main: () => process.env['STOPS_DATABASE_URL'] ?? '' },
  policies: [
    one('plain'),
    one('relation', { owner: { things: { $none: { state: 'open' } } } }),
    one('column', { [raw('nosuch > 3')]: [] }),
    one('data', { [raw('1 / (id - 5) > 0')]: [] }),
    one('cast', { [raw('state::int > 0')]: [] }),
    one('slow', { [raw('pg_sleep(600) is not null')]: [] }),
  ],
});
