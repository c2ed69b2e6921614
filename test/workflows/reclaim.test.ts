import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { RunReport } from '../../activities/contract.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import {
  BOTH,
  createHollow,
  journalOf,
  reclaiming,
  slowDown,
  speedUp,
  untilVacuuming,
} from '../support/reclaim/hollow.ts';
import { TemporalSession } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

interface Progress {
  readonly state: string;
  readonly passes: readonly {
    readonly status: string;
    readonly batches: number;
    readonly percent: number | null;
  }[];
}

describeNeeding(['temporal'], 'a run that gives space back, in the hands of its operator', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createHollow('at the end', 3_000);
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const withRun = async (work: (handle: WorkflowHandle) => Promise<void>): Promise<void> => {
    const taskQueue = session.queue();
    const policies = [reclaiming(BOTH)];
    await session.withVacuum({ taskQueue, url: database.url, policies }, async () =>
      work(await session.start(taskQueue)),
    );
  };
  const isAlive = async (pid: number): Promise<boolean> =>
    database.value<boolean>('select exists (select from pg_stat_progress_vacuum where pid = $1)', [pid]);

  test('pause is felt between two tables, resume goes on with the next', async () => {
    // 200 pages: some seconds.
    await slowDown(database, 5);
    await withRun(async (handle) => {
      const pid = await untilVacuuming(database, 'item');
      await handle.signal('pause', 'the backup runs');
      const paused = await waitFor('the pause to be felt', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).length === 0
          ? await handle.query<Progress>('progress')
          : undefined;
      });
      expect(paused).toMatchObject({ state: 'paused', passes: [{}, { batches: 1, percent: 50 }] });
      expect(await isAlive(pid)).toBe(false);
      expect(await journalOf(database)).toEqual(['vacuum item started', 'vacuum item ended done']);
      await handle.signal('resume');
      const report = (await handle.result()) as RunReport;
      expect(report).toMatchObject({ status: 'completed', passes: [{}, { batches: 2 }] });
    });
    expect((await journalOf(database)).slice(2)).toEqual(['vacuum owner started', 'vacuum owner ended done']);
  });

  test('stop, also after a pause, ends the statement on the server', async () => {
    // Longer than any test waits.
    await slowDown(database, 100);
    await database.rows(`alter database ${database.name} set vacuum_cost_page_hit = 100`);
    await withRun(async (handle) => {
      const pid = await untilVacuuming(database, 'item');
      await handle.signal('pause');
      await handle.signal('stop', 'it is needed now');
      expect(await handle.result()).toMatchObject({
        status: 'stopped',
        passes: [{}, { status: 'unfinished' }],
      });
      expect(await isAlive(pid)).toBe(false);
    });
    expect(await journalOf(database)).toEqual(['vacuum item started', 'vacuum item ended cancelled']);
  });

  test('cancel does the same and closes the run as cancelled', async () => {
    await slowDown(database, 100);
    await withRun(async (handle) => {
      const pid = await untilVacuuming(database, 'item');
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(await isAlive(pid)).toBe(false);
    });
    expect(await database.value('select state from vacuum.run')).toBe('cancelled');
    await speedUp(database);
  });
});
