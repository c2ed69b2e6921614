import { sweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { defineConfig } from '../../worker/config.ts';
import { picturesPolicy, rootAt } from './pictures.ts';

const root = rootAt(process.env['TEST_PICTURES'] ?? '');

// For workers that are killed while they look for strays and remove them.
export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [picturesPolicy(sweepStrayFiles({ name: 'strays', root, remove: true }))],
});
