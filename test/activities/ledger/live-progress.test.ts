import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { readLiveProgress, readShardProgress } from '../../../activities/ledger/live-progress.ts';
import { readReport } from '../../../activities/ledger/reports.ts';
import type { ShardProgress } from '../../../activities/stored/progress.ts';
import type { Shard } from '../../../activities/stored/scan.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { createShop, Order, shopPolicy } from '../../support/shop.ts';

// Old rows lie where they were written: dense in one place, none in the next.
test.each([
  ['first', 'n <= 20000'],
  ['last', 'n > 40000'],
  ['in two places', 'n % 30000 < 10000'],
])('the part that is done follows the rows that go, which lie %s', async (_, old) => {
  const shop = await createShop();
  await shop.rows(
    `insert into shop_order (id, status, closed_at)
     select n, 'shipped', now() - case when ${old} then interval '200 days' else interval '1 day' end
     from generate_series(1, 60000) as n`,
  );
  await shop.rows('analyze');
  const pass = expireRows({ name: 'pass', entity: Order, age: 'closedAt', olderThan: '100 days', shards: 1 });
  const seen: { gone: number; walked: number; known: boolean }[] = [];
  const report = await runEngine(shop.url, shopPolicy({ passes: [pass] }), {
    scan: 'by-location',
    size: 1000,
    afterBatch: async ({ ledger }) => {
      const [live] = await readLiveProgress(ledger, 1);
      seen.push({
        gone: (live?.rows ?? 0) / 20_000,
        walked: live?.shards[0]?.part ?? Number.NaN,
        known: typeof live?.shards[0]?.secondsLeft === 'number',
      });
    },
  });
  expect(report.rows).toBe(20_000);
  expect(seen.length).toBeGreaterThan(10);
  for (const { gone, walked, known } of seen) {
    expect({ gone, close: Math.abs(walked - gone) < 0.15, known }).toEqual({
      gone,
      close: true,
      known: true,
    });
  }
  await shop.drop();
});

test('a pass of an open run that is done is completed in its report, while the next one runs', async () => {
  const shop = await createShop();
  await shop.rows(
    `insert into shop_order (id, status, closed_at)
     select n, 'shipped', now() - case when n % 2 = 0 then interval '200 days' else interval '80 days' end
     from generate_series(1, 100) as n`,
  );
  const passes = [100, 50].map((days) =>
    expireRows({
      name: `older-than-${days}`,
      entity: Order,
      age: 'closedAt',
      olderThan: `${days} days`,
      shards: 1,
    }),
  );
  const seen = new Set<string>();
  await runEngine(shop.url, shopPolicy({ passes }), {
    size: 10,
    afterBatch: async ({ ledger }) => {
      const report = await readReport(ledger, 1);
      seen.add(report?.passes.map(({ status }) => status).join(', ') ?? '');
    },
  });
  expect([...seen]).toEqual(expect.arrayContaining(['running, planned', 'completed, running']));
  expect([...seen].filter((statuses) => statuses.startsWith('running, r'))).toEqual([]);
  await shop.drop();
});

const DAY = 86_400_000;
const day = (n: number): string => new Date(Date.UTC(2026, 0) + n * DAY).toISOString();
/** 1000 rows, evenly over 100 days: if as many rows are behind as ahead, half of the work is done. */
const AGES: Shard = {
  scan: 'by-age',
  from: null,
  until: day(100),
  oldest: day(0),
  spread: { rows: 1000, marks: [0, 50, 100].map((n) => Date.parse(day(n))) },
};

describe('a shard by its batches', () => {
  let database: TestDatabase;
  let opened: Database;
  beforeAll(async () => {
    database = await createDatabase();
    opened = await openDatabase(database.url);
    await opened.ledger.migrate();
  });
  beforeEach(async () => {
    await database.rows('truncate vacuum.batch; delete from vacuum.pass; delete from vacuum.run');
  });
  afterAll(async () => {
    await opened.close();
    await database.drop();
  });

  /** A shard whose batches took so many milliseconds for so many rows, each after so long a rest. */
  async function toProgress(
    shard: Shard,
    batches: readonly (readonly [millis: number, rows: number, rest?: number])[],
    pauseMillis = 0,
  ): Promise<ShardProgress> {
    await database.rows(
      `insert into vacuum.run (id, policy, mode, status, workflow_id, first_run_id, temporal, settings)
       values (1, 'p', 'execute', 'running', 'w', 'w', 't', $1)`,
      [JSON.stringify({ pauseMillis })],
    );
    await database.rows(
      `insert into vacuum.pass (run_id, ordinal, name, kind, status, shards, stored)
       values (1, 0, 'pass', 'expireRows', 'planned', $1, '{"rowsPerParent": 1, "table": {"label": "item"}}')`,
      [JSON.stringify([shard])],
    );
    let at = Date.UTC(2026, 5);
    let total = 0;
    for (const [n, [millis, rows, rest = 0]] of batches.entries()) {
      at += rest + millis;
      total += rows;
      const cursor = shard.scan === 'by-age' ? { location: `(0,1) ${day(total / 10)}` } : { location: 'k' };
      await database.rows(
        `insert into vacuum.batch
           (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, cursor, done, size, millis, at)
         values (1, 0, 0, $1, 1, $2, jsonb_build_object('item', $2::float8), 0, 0, $3, $4, 1, $5, $6)`,
        [n + 1, rows, JSON.stringify(cursor), total === 1000, millis, new Date(at).toISOString()],
      );
    }
    return readShardProgress(opened.ledger, { run: 1, pass: 0, shard: 0 });
  }

  test('is as fast as in the second half of their time: sizes start small', async () => {
    const progress = await toProgress(AGES, [
      [200, 2],
      [300, 8],
      [250, 40],
      [250, 50],
    ]);
    // 90 rows in half a second, 900 are ahead.
    expect(progress).toMatchObject({ part: 0.1, rowsPerSecond: 180, secondsLeft: expect.closeTo(5) });
  });

  test('begins its second half after the last batch that ended in the first', async () => {
    const progress = await toProgress(AGES, [
      [400, 10],
      [200, 40],
      [400, 50],
    ]);
    expect(progress.rowsPerSecond).toBe(150);
  });

  test('is measured by all, if the first batch took longer than the others', async () => {
    const progress = await toProgress(AGES, [
      [900, 50],
      [100, 50],
    ]);
    expect(progress).toMatchObject({ rowsPerSecond: 100, secondsLeft: expect.closeTo(9) });
  });

  test('is measured by the last batches, however many there were before', async () => {
    const slow = Array.from({ length: 100 }, () => [1000, 1] as const);
    const fast = Array.from({ length: 200 }, () => [10, 1] as const);
    const progress = await toProgress(AGES, [...slow, ...fast]);
    expect(progress).toMatchObject({
      part: expect.closeTo(0.3),
      rowsPerSecond: expect.closeTo(100),
      secondsLeft: expect.closeTo(7),
    });
  });

  test("takes in the policy's own pauses and work outside of batches, and no other pause or outage", async () => {
    const progress = await toProgress(
      AGES,
      [
        [500, 50],
        [500, 50, 20_000],
        [500, 50, 3_600_000],
      ],
      20_000,
    );
    // From the end of the first batch on: one pause of its own, half a second twice.
    expect(progress.rowsPerSecond).toBeCloseTo(100 / 21);
  });

  test('has a rate and no end if nobody can tell how much is ahead', async () => {
    const progress = await toProgress({ scan: 'by-parent-key', after: null, until: null }, [[500, 50]]);
    expect(progress).toMatchObject({ part: null, rowsPerSecond: 100, secondsLeft: null });
  });

  test('has nothing left at its end, and nothing known before its first batch', async () => {
    expect(await toProgress(AGES, [[100, 1000]])).toMatchObject({ done: true, part: 1, secondsLeft: 0 });
    await database.rows('truncate vacuum.batch');
    expect(await readShardProgress(opened.ledger, { run: 1, pass: 0, shard: 0 })).toEqual({
      done: false,
      part: 0,
      rowsPerSecond: null,
      secondsLeft: null,
      at: null,
    });
  });
});
