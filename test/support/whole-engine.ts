import { expect, test } from '@jest/globals';

import type { Scan } from '../../activities/stored/scan.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';
import type { EngineOptions } from './engine.ts';
import { runEngine } from './engine.ts';
import type { FillOptions } from './prefect/fill.ts';
import { fillPrefect } from './prefect/fill.ts';
import { Before, prefectPolicy } from './vacuum.ts';

/** Makes a template with every odd case, on the shared server or another; tests copy it by its name. */
export async function makeOddPrefect(
  size: FillOptions,
  { server, analyzed = true }: { readonly server?: string; readonly analyzed?: boolean } = {},
): Promise<string> {
  const database = await createDatabase(undefined, server);
  const client = await database.pool.connect();
  await fillPrefect(client, size);
  client.release();
  if (analyzed) await database.rows('analyze');
  // Nobody may be connected to what is copied.
  await database.pool.end();
  return database.name;
}

/** Vacuums with the engine and compares all rows of all tables with the model, and the ledger with the difference. */
export async function expectVacuumed(
  database: TestDatabase,
  settings = {},
  options: EngineOptions = {},
): Promise<void> {
  const before = await Before.of(database, options.passes === undefined ? {} : { passes: options.passes });
  const report = await runEngine(database.url, prefectPolicy(settings), options);
  await before.expectRightRows();
  await before.expectExactAccount(report);
  expect(report.rows).toBeGreaterThan(0);
}

/** Tests batches of a few rows by every scan, on copies of a template. There are as many transactions as rows. */
export function testFewRows(template: () => string): void {
  const walks: [string, EngineOptions][] = [
    ['batches of a few rows', { size: 7 }],
    ['lockFirst batches of a few rows, where nearly every run is a giant', { lockFirst: true, size: 5 }],
    ['a lockFirst loose index walk', { lockFirst: true, scan: 'by-parent-key', size: 3 }],
    ['a small loose index walk', { scan: 'by-parent-key', size: 3 }],
  ];
  test.each(walks)('right rows and exact account by %s', async (_, options) => {
    const database = await createDatabase(template());
    await expectVacuumed(database, {}, options);
    await database.drop();
  });

  test.each([1, 3])('a batch size of %s is never passed', async (batchSize) => {
    for (const scan of ['by-location', 'by-age', 'by-parent-key'] satisfies Scan[]) {
      const database = await createDatabase(template());
      await expectVacuumed(database, { batchSize }, { scan });
      const most = await database.rows<{ pass: number; most: number }>(
        `select b.pass, max(coalesce((b.deleted ->> (p.stored -> 'table' ->> 'label'))::int, 0)) as most
         from vacuum.batch as b join vacuum.pass as p on p.run_id = b.run_id and p.ordinal = b.pass group by b.pass`,
      );
      for (const pass of most) expect(pass.most).toBeLessThanOrEqual(batchSize);
      await database.drop();
    }
  });
}
