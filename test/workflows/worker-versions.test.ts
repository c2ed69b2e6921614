import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkerOptions } from '@temporalio/worker';

import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

// Slow enough to be caught in the middle.
const SLOW = { ...MANY_BATCHES, batchPause: '30 ms' };
/** As the server numbers it. */
const AUTO_UPGRADE = 2;

describeNeeding(['temporal'], 'a run of a worker that versions its deployments', () => {
  const session = new TemporalSession();
  let deploymentName: string;
  let run: KilledRun;

  beforeEach(async () => {
    deploymentName = `shop-${randomUUID()}`;
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  async function withWorker(worker: Partial<WorkerOptions>, work: () => Promise<void>): Promise<void> {
    const policies = [prefectPolicy(SLOW)];
    await session.withVacuum({ taskQueue: run.taskQueue, url: run.database.url, policies, worker }, work);
  }

  /** The host pins what says nothing. */
  const versioned = (buildId: string): Partial<WorkerOptions> => ({
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  });

  /** The server knows a version once its worker has asked for work. */
  async function makeCurrent(buildId: string): Promise<void> {
    const { workflowService } = await session.client();
    const request = { namespace: 'default', deploymentName, buildId, ignoreMissingTaskQueues: true };
    await waitFor('the version to be current', async () =>
      workflowService.setWorkerDeploymentCurrentVersion(request).catch(() => undefined),
    );
  }

  async function readVersioning(): Promise<{ behavior: unknown; buildId: unknown }> {
    const { raw } = await run.handle.describe();
    const { behavior, deploymentVersion } = raw.workflowExecutionInfo?.versioningInfo ?? {};
    return { behavior, buildId: deploymentVersion?.buildId };
  }

  /** Starts a run and pauses it in the middle. */
  async function pauseRun(): Promise<void> {
    await run.start();
    await run.untilBatches(3);
    await run.handle.signal('pause');
    await waitFor('the run to be paused', async () => {
      const { raw } = await run.handle.describe();
      const { state } = await run.handle.query<{ state: string }>('progress');
      return state === 'paused' && (raw.pendingActivities ?? []).length === 0 ? true : undefined;
    });
  }

  test('that was paused over a deploy goes on in the new version', async () => {
    await withWorker(versioned('1'), async () => {
      await makeCurrent('1');
      await pauseRun();
      expect(await readVersioning()).toEqual({ behavior: AUTO_UPGRADE, buildId: '1' });
    });
    await withWorker(versioned('2'), async () => {
      await makeCurrent('2');
      const frozen = await run.frozen();
      await run.handle.signal('resume');
      await run.expectWhole(frozen);
      expect(await readVersioning()).toEqual({ behavior: AUTO_UPGRADE, buildId: '2' });
    });
    await run.expectNothingLeft();
  });

  test('that began without versions goes on in the first one', async () => {
    await withWorker({}, async () => {
      await pauseRun();
      expect(await readVersioning()).toMatchObject({ buildId: undefined });
    });
    await withWorker(versioned('1'), async () => {
      await makeCurrent('1');
      const frozen = await run.frozen();
      await run.handle.signal('resume');
      await run.expectWhole(frozen);
      expect(await readVersioning()).toMatchObject({ buildId: '1' });
    });
    await run.expectNothingLeft();
  });
});
