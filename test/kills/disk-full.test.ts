import { afterAll, expect, test } from '@jest/globals';

import { loadSchema, SHAPED_TEMPLATE } from '../support/database.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { startCluster } from '../support/postgres/cluster.ts';
import { SmallDisk } from '../support/postgres/small-disk.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal', 'small-disk'], 'a disk that is full', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test('stops no run: the batch is rolled back, and goes through once there is room', async () => {
    const cluster = await startCluster();
    const disk = SmallDisk.mount(cluster.user);
    await loadSchema(cluster.url(), SHAPED_TEMPLATE);
    const run = await KilledRun.prepare(session, cluster.url());
    try {
      // The ledger goes onto the small disk; what it cleans is elsewhere.
      await run.database.rows(`create tablespace small location '${disk.folder}'`);
      await run.database.rows(`alter database ${run.database.name} set default_tablespace = small`);
      const policies = [prefectPolicy({ ...MANY_BATCHES, batchPause: '10 ms' })];
      const { taskQueue, database } = run;
      await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
        await run.start();
        await run.untilBatches(5);
        const frozen = await run.frozen();
        disk.fill();
        await waitFor('a slice to fail for want of room', async () => {
          const { raw } = await run.handle.describe();
          return (raw.pendingActivities ?? []).some(({ lastFailure }) =>
            lastFailure?.message?.includes('disk is full (SQLSTATE 53100)'),
          );
        });
        const batches = await database.value('select count(*) from vacuum.batch');
        expect(await ledgerSum(run)).toEqual(await run.gone());
        disk.free();
        await run.expectWhole(frozen);
        expect(await database.value('select count(*) from vacuum.batch')).toBeGreaterThan(batches);
      });
      await run.expectNothingLeft();
    } finally {
      await run.drop();
      await cluster.destroy();
      disk.unmount();
    }
  });

  /** Rows deleted, by table, as the batches say. */
  async function ledgerSum({ database }: KilledRun): Promise<Record<string, number>> {
    const sums = await database.rows<{ label: string; rows: number }>(`
      select key as label, sum(value::float8) as rows
      from vacuum.batch
      cross join jsonb_each_text(deleted)
      group by key`);
    return Object.fromEntries(sums.map(({ label, rows }) => [label, rows]));
  }
});
