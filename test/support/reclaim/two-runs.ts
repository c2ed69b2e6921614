import { expect } from '@jest/globals';

import { METRICS } from '../../../activities/run/metric-definitions.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { TestDatabase } from '../database.ts';
import type { Series } from '../scrape.ts';
import { sumBy } from '../scrape.ts';
import type { TemporalSession } from '../temporal.ts';
import { fetchReport } from '../vacuum.ts';

/** Two runs that delete items and give their space back, half a day apart, by a worker that is there. */
export async function runTwice(
  session: TemporalSession,
  taskQueue: string,
  database: TestDatabase,
): Promise<LedgerReport[]> {
  const run = async (): Promise<LedgerReport> => {
    const handle = await session.start(taskQueue);
    await handle.result();
    return fetchReport(database, handle.workflowId);
  };
  const first = await run();
  await database.rows(`
    update vacuum.run set started_at = started_at - interval '12 hours', ended_at = ended_at - interval '12 hours';
    insert into item select -n, null, 'x', now() - interval '2 days' from generate_series(1, 700) as n`);
  return [first, await run()];
}

/** What a worker tells of them is what the ledger says. */
export function expectTold(series: readonly Series[], reports: readonly LedgerReport[]): void {
  // One table a run; in the second it may have grown, which a counter does not take.
  const given = reports.flatMap(({ passes }) => passes.map((pass) => Math.max(0, pass.bytes)));
  const bytes = given.reduce((sum, each) => sum + each, 0);
  expect(bytes).toBeGreaterThan(100_000);
  expect(sumBy(series, METRICS.bytesReclaimed.name, 'pass')).toEqual({ reclaim: bytes });
  const backlog = reports.at(-1)?.passes[0]?.backlog;
  expect(backlog).toMatchObject({ keepsUp: true, before: { rows: 700 }, after: { rows: 0 } });
  // 700 of each in half a day and the seconds that the test took.
  expect(backlog?.removedPerDay).toBeGreaterThan(1380);
  expect(backlog?.removedPerDay).toBeLessThanOrEqual(1400);
  expect(sumBy(series, METRICS.expiringPerDay.name, 'pass')).toEqual({ old: backlog?.expiringPerDay });
  expect(sumBy(series, METRICS.removedPerDay.name, 'pass')).toEqual({ old: backlog?.removedPerDay });
  expect(sumBy(series, METRICS.keepsUp.name, 'pass')).toEqual({ old: 1 });
}
