import { expireRows } from '../../policy/expire-rows.ts';
import { definePolicy } from '../../policy/policy.ts';
import { sweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { defineConfig } from '../../worker/config.ts';
import { Cover, Picture, picturesPolicy, rootAt } from './pictures.ts';

const root = rootAt(process.env['TEST_PICTURES'] ?? '');
const pass = expireRows({ name: 'old', entity: Picture, age: 'takenAt', olderThan: '30 days' });

// Policies with a pass each, over one, two or no rows and files.
export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [
    definePolicy({
      ...picturesPolicy(pass),
      name: 'rows',
      schedule: { cron: '0 3 * * *' },
      entities: [Picture, Cover],
    }),
    definePolicy({
      ...picturesPolicy(sweepStrayFiles({ name: 'strays', root, remove: true, maxStrayRatio: 1 })),
      name: 'files',
    }),
  ],
});
