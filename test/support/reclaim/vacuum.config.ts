import { defineConfig } from '../../../worker/config.ts';
import { reclaiming } from './hollow.ts';

export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: [reclaiming()],
});
