import { defineEntity, p } from '@mikro-orm/core';

import { defineConfig, definePolicy, expireRows } from '../../index.ts';
import { KEPT } from './schema.ts';

const Result = defineEntity({
  name: 'Result',
  tableName: 'result',
  properties: { id: p.bigint('string').primary(), job: p.integer(), at: p.datetime(), text: p.string() },
});

export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [
    definePolicy({
      name: 'results',
      enabled: true,
      entities: [Result],
      limits: { maxPercent: 100, allowNewest: true },
      passes: [
        expireRows({
          name: 'old-results',
          entity: Result,
          age: 'at',
          olderThan: '1 hour',
          keepLast: { count: KEPT, per: ['job'] },
        }),
      ],
    }),
  ],
});
