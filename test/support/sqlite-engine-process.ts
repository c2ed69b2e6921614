import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../policy/expire-rows.ts';
import { definePolicy } from '../../policy/policy.ts';
import { runEngine } from './engine.ts';

// A process that cleans a file until somebody kills it: `node sqlite-engine-process.ts URL`.

const Job = defineEntity({
  name: 'Job',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz') },
});

const policy = definePolicy({
  name: 'jobs',
  enabled: true,
  entities: [Job],
  passes: [expireRows({ name: 'old-jobs', entity: Job, age: 'at', olderThan: '1 day' })],
});

process.stdout.write('working\n');
await runEngine(process.argv[2] ?? '', policy, { size: 60 });
process.stdout.write('done\n');
