import { testRandomGraphs } from '../support/random-graphs/suite.ts';

testRandomGraphs(Number(process.env['TEST_GRAPHS'] ?? 10), 5100);
