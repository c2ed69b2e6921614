import type { Config } from 'jest';

import usual from './jest.config.ts';

/** Tests of scale and endurance, older versions of Prefect and PostgreSQL, the commands of most pages, and the longest kills: `npm run test:long`. `.ci/run` runs them too. */
const config: Config = { ...usual, testMatch: ['**/*.long.test.ts'], testPathIgnorePatterns: [] };
export default config;
