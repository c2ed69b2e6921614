import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';

import type { RunReport } from '../../activities/contract.ts';
import type { ReclaimSpaceOptions } from '../../policy/reclaim-space.ts';
import type { TestDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import {
  BOTH,
  closeGate,
  createGate,
  createHollow,
  readJournal,
  reclaiming,
  slowDown,
  speedUp,
  untilRewriting,
  untilVacuuming,
} from '../support/reclaim/hollow.ts';
import { TemporalSession } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** `PENDING_ACTIVITY_STATE_STARTED`: nobody has asked the activity to end. */
const STARTED = 2;

const FULL = { ...BOTH, mode: 'full', window: '00:00-24:00' } as const;

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

  const withRun = async (
    work: (handle: WorkflowHandle) => Promise<void>,
    options: Partial<ReclaimSpaceOptions> = BOTH,
  ): Promise<void> => {
    const taskQueue = session.queue();
    const policies = [reclaiming(options)];
    await session.withVacuum({ taskQueue, url: database.url, policies }, async () =>
      work(await session.start(taskQueue)),
    );
  };
  /** The only activity under way, as Temporal has it; undefined if none is. */
  const findPending = async (handle: WorkflowHandle): Promise<PendingActivity | undefined> => {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.[0];
  };
  /** Waits until the pause holds the run and no activity is under way. */
  const untilPaused = async (handle: WorkflowHandle): Promise<Progress> =>
    waitFor('the pause to take effect', async () =>
      (await findPending(handle)) === undefined ? handle.query<Progress>('progress') : undefined,
    );
  /** Waits until the slice under way has told Temporal twice that it lives; returns its state then. */
  const untilTwoHeartbeats = async (handle: WorkflowHandle): Promise<PendingActivity['state']> => {
    const times = new Set<string>();
    return waitFor('two heartbeats', async () => {
      const pending = await findPending(handle);
      const at = pending?.lastHeartbeatTime;
      times.add(`${String(at?.seconds)}.${String(at?.nanos)}`);
      return times.size > 2 ? pending?.state : undefined;
    });
  };
  const isAlive = async (pid: number): Promise<boolean> =>
    database.value<boolean>('select exists (select from pg_stat_progress_vacuum where pid = $1)', [pid]);

  test('pause is felt between two tables, resume goes on with the next', async () => {
    // 200 pages: some seconds.
    await slowDown(database, 5);
    await withRun(async (handle) => {
      const pid = await untilVacuuming(database, 'item');
      await handle.signal('pause', 'the backup runs');
      const paused = await untilPaused(handle);
      expect(paused).toMatchObject({ state: 'paused', passes: [{}, { batches: 1, percent: 50 }] });
      expect(await isAlive(pid)).toBe(false);
      expect(await readJournal(database)).toEqual(['vacuum item started', 'vacuum item ended done']);
      await handle.signal('resume');
      const report = (await handle.result()) as RunReport;
      expect(report).toMatchObject({ status: 'completed', passes: [{}, { batches: 2 }] });
    });
    expect((await readJournal(database)).slice(2)).toEqual([
      'vacuum owner started',
      'vacuum owner ended done',
    ]);
  });

  describe('in the middle of a rewrite', () => {
    let openGate: () => Promise<void>;
    beforeEach(async () => {
      await createGate(database);
      openGate = await closeGate(database);
    });
    afterEach(async () => openGate());

    test('a pause leaves it running and takes effect before the next table', async () => {
      await withRun(async (handle) => {
        const pid = await untilRewriting(database);
        await handle.signal('pause', 'the backup runs');
        expect(await untilTwoHeartbeats(handle)).toBe(STARTED);
        expect(await untilRewriting(database)).toBe(pid);
        await openGate();
        expect(await untilPaused(handle)).toMatchObject({
          state: 'paused',
          passes: [{}, { batches: 1, percent: 50 }],
        });
        expect(await readJournal(database)).toEqual(['full item started', 'full item ended done']);
        await handle.signal('resume');
        expect(await handle.result()).toMatchObject({ status: 'completed', passes: [{}, { batches: 2 }] });
      }, FULL);
    });

    test('so does one while no worker can respond to queries', async () => {
      const taskQueue = session.queue();
      const source = { url: database.url, policies: [reclaiming(FULL)] };
      await session.withActivitiesOnly(taskQueue, source, async () => {
        const handle = await session.start(taskQueue);
        const pid = await session.withWorkflowOnly(taskQueue, async () => {
          const rewriting = await untilRewriting(database);
          await handle.signal('pause');
          await waitFor('the pause to be handled', async () => {
            const { state } = await handle.query<Progress>('progress');
            return state === 'paused';
          });
          return rewriting;
        });
        expect(await untilTwoHeartbeats(handle)).toBe(STARTED);
        expect(await untilRewriting(database)).toBe(pid);
        await openGate();
        await waitFor('the end of the rewrite', async () => (await readJournal(database)).length === 2);
        expect(await readJournal(database)).toEqual(['full item started', 'full item ended done']);
        await session.withWorkflowOnly(taskQueue, async () => {
          expect(await untilPaused(handle)).toMatchObject({ state: 'paused' });
          await handle.signal('resume');
          expect(await handle.result()).toMatchObject({ status: 'completed' });
        });
      });
    });

    test('a stop ends it, also after a pause', async () => {
      await withRun(async (handle) => {
        await untilRewriting(database);
        await handle.signal('pause');
        await handle.signal('stop', 'it is needed now');
        expect(await handle.result()).toMatchObject({ status: 'stopped' });
        expect(await database.value('select count(*) from pg_stat_progress_cluster')).toBe(0);
      }, FULL);
      expect(await readJournal(database)).toEqual(['full item started', 'full item ended cancelled']);
    });
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
    expect(await readJournal(database)).toEqual(['vacuum item started', 'vacuum item ended cancelled']);
  });

  test('cancel does the same and closes the run as cancelled', async () => {
    await slowDown(database, 100);
    await withRun(async (handle) => {
      const pid = await untilVacuuming(database, 'item');
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(await isAlive(pid)).toBe(false);
    });
    expect(await database.value('select status from vacuum.run')).toBe('cancelled');
    await speedUp(database);
  });
});
