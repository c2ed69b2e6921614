import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { RunProgress } from '../../../workflows/progress.ts';
import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { KilledRun, MANY_BATCHES } from '../../support/killed-run.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { prefectPolicy } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

describeNeeding(['temporal'], 'history, of a run that is open', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  const type = async (address: string, ...words: string[]): Promise<CliResult> =>
    cli(['history', '--policy', 'prefect', '--address', address, ...words], {
      env: { VACUUM_DATABASE_URL: run.database.url },
    });
  const withWorker = async (work: () => Promise<void>): Promise<void> =>
    session.withVacuum(
      {
        taskQueue: run.taskQueue,
        url: run.database.url,
        policies: [prefectPolicy({ ...MANY_BATCHES, batchPause: '60 ms' })],
      },
      work,
    );
  async function pauseRun(): Promise<void> {
    await run.start();
    await run.untilBatches(3);
    await run.handle.signal('pause', 'a release of ours');
    await waitFor('the run to be paused', async () => {
      const { state } = await run.handle.query<RunProgress>('progress');
      return state === 'paused';
    });
  }

  test('tells that it is paused, and why, as its workflow does', async () => {
    await withWorker(async () => {
      await pauseRun();

      const list = await type(session.address);
      expect(list.stdout).toMatch(/^ *1 +prefect +execute +paused .* a release of ours *$/m);
      const one = await type(session.address, '1');
      expect(one.stdout).toMatch(/^run 1 of policy prefect: paused, .*\n {2}a release of ours\n/);
      const json = JSON.parse((await type(session.address, '1', '--json')).stdout) as object[];
      expect(json).toMatchObject([{ status: 'running', state: 'paused', stateReason: 'a release of ours' }]);

      // Without Temporal it tells what the ledger knows, and what it does not.
      const alone = await type('127.0.0.1:1');
      expect(alone.code).toBe(0);
      expect(alone.stdout).toMatch(
        /^ *1 +prefect +execute +not known .* Temporal at 127\.0\.0\.1:1 does not respond/m,
      );

      await run.handle.signal('stop');
      await run.handle.result();
      const [ended] = JSON.parse((await type('127.0.0.1:1', '--json')).stdout) as object[];
      expect(ended).toMatchObject({ status: 'stopped', state: 'stopped', stateReason: null });
    });
  });

  test('and doctor tell of a run that waits for it, which no ledger has', async () => {
    await withWorker(async () => {
      await pauseRun();
      const second = await session.start(run.taskQueue, { policy: 'prefect', ifBusy: 'wait' });
      const waits = `workflow ${second.workflowId} waits to begin: run 1 of workflow ${run.handle.workflowId} is open`;
      const where = ['--task-queue', run.taskQueue];
      // Temporal lists a workflow some seconds after it has begun.
      const list = await waitFor('history to tell of it', async () => {
        const { stdout } = await type(session.address, ...where);
        return stdout.includes('waits to begin') && stdout;
      });
      expect(list).toContain(`\npolicy prefect: ${waits}\n`);
      expect(list).toMatch(/^ *1 +prefect +execute +paused /m);
      const doctor = await cli(['doctor', 'prefect', '--address', session.address, ...where, '--json'], {
        env: { VACUUM_DATABASE_URL: run.database.url },
      });
      expect(JSON.parse(doctor.stdout)).toContainEqual({ about: 'run', state: 'ok', what: waits });
      await second.signal('stop');
      await second.result();
      expect((await type(session.address, ...where)).stdout).not.toContain('waits to begin');
      await run.handle.signal('stop');
      await run.handle.result();
    });
  });

  test('tells of a run whose workflow was terminated that Temporal has it no more', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      await run.handle.terminate();
    });
    const list = await type(session.address);
    expect(list.stdout).toMatch(/^ *1 +prefect +execute +not known .* Temporal has no such workflow open/m);
  });

  test('tells that no worker responds for it, and what is in the ledger', async () => {
    await withWorker(async () => {
      await pauseRun();
    });
    const list = await type(session.address);
    expect(list.stdout).toMatch(/^ *1 +prefect +execute +not known .* no worker responds\. /m);
    const one = await type(session.address, '1');
    expect(one.stdout).toMatch(
      /^run 1 of policy prefect: not known, [\d,]+ rows deleted in .*\n {2}no worker responds\. .* task queue test-/,
    );
    const json = JSON.parse((await type(session.address, '1', '--json')).stdout) as object[];
    expect(json).toMatchObject([{ status: 'running', state: 'no-worker' }]);
    await run.handle.terminate();
  });
});
