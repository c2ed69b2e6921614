import type { Config } from 'jest';

import usual from './jest.config.ts';

/** Tests of scale and endurance: `npm run test:long`. */
const config: Config = { ...usual, testMatch: ['**/*.long.test.ts'], testPathIgnorePatterns: [] };
export default config;
