import { defineConfig } from '../../../worker/config.ts';
import { neverRunPolicy, watchedPolicies } from './watched-shop.ts';

const neverRun = process.env['TEST_NEVER_RUN']?.split(',') ?? [];
const window = process.env['TEST_WINDOW'];
const second = process.env['TEST_SECOND_DATABASE_URL'];

export default defineConfig({
  databases: {
    main: () => process.env['TEST_DATABASE_URL'] ?? '',
    ...(second === undefined ? {} : { second }),
  },
  policies: [
    ...watchedPolicies(process.env['TEST_POLICY'] ?? '', window === undefined ? {} : { window }),
    ...neverRun.map(neverRunPolicy),
  ],
});
