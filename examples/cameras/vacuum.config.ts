import { defineConfig } from 'temporal-vacuum';

import { cameras } from './policy.ts';
import { readSettings } from './settings.ts';

export default defineConfig({
  databases: { main: () => process.env['CAMERAS_DATABASE_URL'] ?? '' },
  policies: [cameras(readSettings(process.env))],
});
