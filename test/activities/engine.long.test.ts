import { beforeAll, describe } from '@jest/globals';

import { makeOddPrefect, SMALL, testFewRows } from '../support/whole-engine.ts';

describe('the engine on a database with every odd case, in thousands of batches', () => {
  let template: string;
  beforeAll(async () => {
    template = await makeOddPrefect(SMALL);
  });
  testFewRows(() => template);
});
