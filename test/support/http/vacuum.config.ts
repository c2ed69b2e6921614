import { defineConfig } from '../../../worker/config.ts';
import { watchedPolicies } from './watched-shop.ts';

export default defineConfig({
  databases: { main: () => process.env['TEST_DATABASE_URL'] ?? '' },
  policies: watchedPolicies(process.env['TEST_POLICY'] ?? ''),
});
