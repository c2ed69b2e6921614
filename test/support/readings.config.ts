import { defineConfig } from '../../worker/config.ts';
import { dropOld, readingsPolicy } from './readings.ts';

// For workers that are killed while they drop partitions.
export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [readingsPolicy([dropOld()])],
});
