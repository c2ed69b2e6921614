import { defineConfig } from 'temporal-vacuum';

import { shop } from './policy.ts';

// For the command line: previews, schedules, history.
export default defineConfig({
  databases: { main: () => process.env['SHOP_DATABASE_URL'] ?? '' },
  policies: [shop],
  taskQueue: 'shop',
});
