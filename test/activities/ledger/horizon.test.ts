import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { readHistory, readReport, wireReport } from '../../../activities/ledger/reports.ts';
import { insertPreview } from '../../../activities/ledger/runs.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { measureSize } from '../../../policy/measure-size.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { AuditLog, createShop, Order, shopPolicy } from '../../support/shop.ts';

const DAY = 86_400_000;

describe('the horizon of a pass in the history', () => {
  let shop: TestDatabase;
  let database: Database;

  const old = expireRows({ name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' });
  const passes = [
    old,
    deleteOrphans({
      name: 'lost',
      entity: AuditLog,
      by: 'orderId',
      parent: Order,
      age: 'at',
      grace: '2 days',
    }),
    deleteUnreferenced({ name: 'unused', entity: Order, age: 'closedAt', grace: '5 days' }),
  ];

  beforeEach(async () => {
    shop = await createShop();
    await shop.rows(
      `insert into shop_order select n, 'shipped', now() - n * interval '1 day' from generate_series(1, 50) as n`,
    );
    database = await openDatabase(shop.url);
    await database.ledger.migrate();
  });
  afterEach(async () => {
    await database.close();
    await shop.drop();
  });

  /** Days from each horizon to an instant; a second is the most that two looks at the clock lie apart. */
  const daysBefore = (at: string, horizons: readonly (string | null)[]): (number | null)[] =>
    horizons.map((horizon) =>
      horizon === null ? null : Math.round((Date.parse(at) - Date.parse(horizon)) / 1000) / (DAY / 1000),
    );

  test('is the same while the run is open, when it is closed, and when its stored passes are removed', async () => {
    const seen = new Set<string | null>();
    const finished = await runEngine(shop.url, shopPolicy({ passes }), {
      size: 20,
      afterBatch: async ({ ledger }) => {
        const report = await readReport(ledger, 1);
        seen.add(report?.passes[0]?.horizon ?? null);
      },
    });
    const horizons = finished.passes.map(({ horizon }) => horizon);
    for (const [n, days] of daysBefore(finished.startedAt, horizons).entries()) {
      expect(days).toBeCloseTo([10, 2, 5][n] ?? 0, 4);
    }
    expect([...seen]).toEqual([horizons[0]]);

    await shop.rows(`update vacuum.run set ended_at = now() - interval '8 days'`);
    await database.session.ledger.batches.prune();
    expect(await shop.value('select count(*) from vacuum.batch')).toBe(0);
    const [report] = await readHistory(database.ledger, { limit: 1 });
    expect(report?.passes.map(({ horizon }) => horizon)).toEqual(horizons);
  });

  test('is that of a preview as well, null if the kind goes by no age, and never leaves the ledger', async () => {
    const policy = shopPolicy({ passes: [...passes, measureSize({ name: 'sizes' })] });
    const names = policy.passes.map(({ name }) => name);
    const { at, passes: previewed } = await previewPolicy(database, policy, names);
    const owner = { workflowId: 'previewing', firstRunId: 'first', temporal: 'none' };
    const run = await insertPreview(database.ledger, owner, policy.name, at, previewed);
    const report = await readReport(database.ledger, run);
    if (report === undefined) throw new Error('no report');
    const horizons = report.passes.map(({ horizon }) => horizon);
    expect(daysBefore(at, horizons)).toEqual([10, 2, 5, null]);
    expect(Object.keys(wireReport(report).passes[0] ?? {})).not.toContain('horizon');
    for (const horizon of horizons.slice(0, 3))
      expect(JSON.stringify(wireReport(report))).not.toContain(horizon);
  });
});
