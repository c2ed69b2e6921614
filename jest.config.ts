import type { Config } from 'jest';

const config: Config = {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Those of jest.long.config.ts.
  testPathIgnorePatterns: ['\\.long\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  // Node.js loads the tests, and TypeScript with them.
  transform: {},
  injectGlobals: false,
  runtime: '<rootDir>/test/support/native/runtime.ts',
  testEnvironment: '<rootDir>/test/support/native/environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['<rootDir>/test/support/progress-reporter.ts'],
  testSequencer: '<rootDir>/test/support/longest-first.ts',
  // Tests often wait for servers: as many as there are cores leave some of them idle. On two cores the tests of passes took
  // 136, 131 and 129 s with two, four and six; the tests of workflows left a third of the processor idle with four.
  maxWorkers: 4,
  // What a test waits for has a limit of its own. This one is for tests that hang.
  testTimeout: 300_000,
};
export default config;
