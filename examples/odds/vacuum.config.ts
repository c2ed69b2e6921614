import { defineConfig } from 'temporal-vacuum';

import { odds } from './policy.ts';

export default defineConfig({
  databases: { main: () => process.env['ODDS_DATABASE_URL'] ?? '' },
  policies: [odds],
});
