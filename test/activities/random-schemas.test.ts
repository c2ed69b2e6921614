import { testRandomPolicies } from '../support/random-schemas/suite.ts';

testRandomPolicies(Number(process.env['TEST_POLICIES'] ?? 200));
