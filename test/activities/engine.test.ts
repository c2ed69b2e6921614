import { beforeAll, describe, expect, test } from '@jest/globals';

import { createDatabase } from '../support/database.ts';
import { runEngine } from '../support/engine.ts';
import type { EngineOptions } from '../support/engine.ts';
import { Before, prefectPolicy } from '../support/vacuum.ts';
import { expectVacuumed, makeOddPrefect, previewAll, SMALL, testFewRows } from '../support/whole-engine.ts';

/** Few enough for batches of one row; the long tests have more. */
const TINY = { runs: 120, oldRuns: 70, logsPerRun: 3, tasksPerRun: 1, goneRuns: 20, logsPerGoneRun: 3 };

describe('the engine on a database with every odd case', () => {
  let small: string;
  let tiny: string;
  beforeAll(async () => {
    small = await makeOddPrefect(SMALL);
    tiny = await makeOddPrefect(TINY);
  });

  testFewRows(() => tiny);

  const walks: [string, EngineOptions][] = [
    ['page ranges', { scan: 'by-location' }],
    ['the loose index walk', { scan: 'by-parent-key' }],
    ['a lockFirst keyset', { lockFirst: true, scan: 'by-age', size: 40 }],
  ];
  test.each(walks)('right rows and exact account by %s', async (_, options) => {
    const database = await createDatabase(small);
    await expectVacuumed(database, {}, options);
    await database.drop();
  });

  test('a database that was never analyzed', async () => {
    const database = await createDatabase(await makeOddPrefect(SMALL, { analyzed: false }));
    await expectVacuumed(database);
    await database.drop();
  });

  test('several shards of every pass', async () => {
    const database = await createDatabase(small);
    await expectVacuumed(database, { shards: 5 });
    await database.drop();
  });

  const subsets = [['orphaned-logs'], ['old-flow-runs'], ['orphaned-artifacts', 'old-flow-runs']];
  test.each(subsets.map((passes) => [passes.join(' and '), passes] as const))(
    'preview tells what %s will do',
    async (_, passes) => {
      const database = await createDatabase(small);
      const preview = await previewAll(database, prefectPolicy(), passes);
      const report = await runEngine(database.url, prefectPolicy(), { passes });
      expect(preview).toEqual(report.passes.map(({ name, deleted }) => ({ name, deleted })));
      await database.drop();
    },
  );

  test('preview tells what a whole run will do, table by table and pass by pass', async () => {
    const database = await createDatabase(small);
    const policy = prefectPolicy();
    const preview = await previewAll(database, policy);
    expect(await database.value(`select count(*) from pg_namespace where nspname = 'vacuum'`)).toBe(0);
    const before = await Before.of(database);
    const report = await runEngine(database.url, policy);
    await before.expectRightRows();
    expect(preview).toEqual(report.passes.map(({ name, deleted }) => ({ name, deleted })));
    await database.drop();
  });
});
