import { defineConfig } from '../../worker/config.ts';
import { picturesPolicy, rootAt, withFiles } from './pictures.ts';

// For workers that are killed: small batches of rows, so that there is something between them.
export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [picturesPolicy(...withFiles(rootAt(process.env['TEST_PICTURES'] ?? ''), { shards: 2 }))],
});
