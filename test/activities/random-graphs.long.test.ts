import { testRandomGraphs } from '../support/random-graphs/suite.ts';

testRandomGraphs(Number(process.env['TEST_POLICIES'] ?? 40));
