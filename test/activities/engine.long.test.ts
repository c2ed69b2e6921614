import { beforeAll, describe, expect, test } from '@jest/globals';

import { createDatabase } from '../support/database.ts';
import { runEngine } from '../support/engine.ts';
import type { EngineOptions } from '../support/engine.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { expectVacuumed, makeOddPrefect, previewAll, SMALL, testFewRows } from '../support/whole-engine.ts';

describe('the engine on a database with every odd case, in thousands of batches', () => {
  let template: string;
  beforeAll(async () => {
    template = await makeOddPrefect(SMALL);
  });
  testFewRows(() => template);

  // npm test has the other walks and previews.
  const walks: [string, EngineOptions][] = [
    ['the keyset on age', { scan: 'by-age' }],
    ['lockFirst batches', { lockFirst: true }],
    ['lockFirst page ranges', { lockFirst: true, scan: 'by-location', size: 40 }],
  ];
  test.each(walks)('right rows and exact account by %s', async (_, options) => {
    const database = await createDatabase(template);
    await expectVacuumed(database, {}, options);
    await database.drop();
  });

  const subsets = [
    ['orphaned-artifacts'],
    ['stale-artifact-collections'],
    ['stale-artifact-collections', 'old-flow-runs'],
  ];
  test.each(subsets.map((passes) => [passes.join(' and '), passes] as const))(
    'preview tells what %s will do',
    async (_, passes) => {
      const database = await createDatabase(template);
      const preview = await previewAll(database, prefectPolicy(), passes);
      const report = await runEngine(database.url, prefectPolicy(), { passes });
      expect(preview).toEqual(report.passes.map(({ name, deleted }) => ({ name, deleted })));
      await database.drop();
    },
  );
});
