import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { previewPolicy } from '../../activities/inspect/preview.ts';
import { openDatabase as openVacuumed } from '../../activities/ledger/database.ts';
import type { Scan } from '../../activities/stored/scan.ts';
import type { Policy } from '../../policy/policy.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase, loadSchema, SHAPED_TEMPLATE } from './database.ts';
import type { EngineOptions } from './engine.ts';
import { runEngine } from './engine.ts';
import { describeNeeding } from './needing.ts';
import type { PartName } from './needing.ts';
import type { Cluster } from './postgres/cluster.ts';
import { startCluster } from './postgres/cluster.ts';
import { programsIn } from './postgres/programs.ts';
import type { FillOptions } from './prefect/fill.ts';
import { fillPrefect } from './prefect/fill.ts';
import { Before, prefectPolicy } from './vacuum.ts';

/** A database that is vacuumed in a second. */
export const SMALL = {
  runs: 400,
  oldRuns: 220,
  logsPerRun: 6,
  tasksPerRun: 2,
  goneRuns: 60,
  logsPerGoneRun: 5,
};

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
    ['lockFirst batches of a few rows, where nearly every run is oversized', { lockFirst: true, size: 5 }],
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

/** Describes that a server of another version has the right rows deleted by every scan. */
export function describeAsNewest(server: { version: string; part: PartName; folder: string }): void {
  describeNeeding([server.part], `PostgreSQL ${server.version}, as the newest`, () => {
    let cluster: Cluster;
    let small: string;
    beforeAll(async () => {
      cluster = await startCluster({ programs: programsIn(server.folder) });
      await loadSchema(cluster.url(), SHAPED_TEMPLATE);
      small = await makeOddPrefect(SMALL, { server: cluster.url() });
    });
    afterAll(async () => cluster.destroy());

    const scans = ['by-location', 'by-age', 'by-parent-key'] satisfies Scan[];
    test.each(scans)('right rows, exact account and true preview by %s', async (scan) => {
      const database = await createDatabase(small, cluster.url());
      const policy = prefectPolicy();
      const preview = await previewAll(database, policy);
      const before = await Before.of(database);
      const report = await runEngine(database.url, policy, { scan });
      await before.expectRightRows();
      await before.expectExactAccount(report);
      expect(preview.map(({ deleted }) => deleted)).toEqual(report.passes.map(({ deleted }) => deleted));
      await database.drop();
    });
  });
}

/** What a preview says of passes. */
export async function previewAll(
  database: TestDatabase,
  policy: Policy,
  passes: readonly string[] = policy.passes.map((pass) => pass.name),
): Promise<{ name: string; deleted: Readonly<Record<string, number>> }[]> {
  const vacuumed = await openVacuumed(database.url);
  try {
    const preview = await previewPolicy(vacuumed, policy, passes);
    return preview.passes.map(({ name, deleted }) => ({ name, deleted }));
  } finally {
    await vacuumed.close();
  }
}
