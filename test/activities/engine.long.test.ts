import { beforeAll, describe } from '@jest/globals';

import { makeOddPrefect, testFewRows } from '../support/whole-engine.ts';

describe('the engine on a database with every odd case, in thousands of batches', () => {
  let template: string;
  beforeAll(async () => {
    template = await makeOddPrefect({
      runs: 400,
      oldRuns: 220,
      logsPerRun: 6,
      tasksPerRun: 2,
      goneRuns: 60,
      logsPerGoneRun: 5,
    });
  });
  testFewRows(() => template);
});
