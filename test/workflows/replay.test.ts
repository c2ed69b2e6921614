import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

import { VacuumPlugin } from '../../worker/plugin.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { find, TEMPORAL } from '../support/parts/bring.ts';
import { quietRuntime, sharedBundle, TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));

async function replay(history: unknown, workflowId = 'replayed'): Promise<void> {
  quietRuntime();
  const plugin = new VacuumPlugin({
    databases: { main: 'postgresql://unused' },
    policies: [prefectPolicy()],
  });
  await Worker.runReplayHistory(
    { workflowBundle: { codePath: sharedBundle() }, plugins: [plugin] },
    history,
    workflowId,
  );
}

// Runs that are open while a new release is deployed must go on in it: their histories replay in the new code.
describe('recorded histories', () => {
  const recorded = readdirSync(FOLDER).filter((name) => name.endsWith('.history.json'));

  test('are there, one for each way that a run can go', () => {
    expect(recorded.toSorted()).toEqual([
      'cancelled.history.json',
      'killed.history.json',
      'paused.history.json',
      'plain.history.json',
    ]);
  });

  test.each(recorded)('%s replays', async (name) => {
    await replay(JSON.parse(readFileSync(`${FOLDER}${name}`, 'utf8')));
  });

  test('a change of what the workflow asks for is noticed', async () => {
    const text = readFileSync(`${FOLDER}plain.history.json`, 'utf8').replaceAll(
      'vacuum.runSlice',
      'vacuum.otherSlice',
    );
    await expect(replay(JSON.parse(text))).rejects.toThrow(DeterminismViolationError);
  });
});

// `RECORD=1 npm run jest -- test/workflows/replay` writes the histories anew; commit them with a release.
describeNeeding(['temporal'], 'histories of this code', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeAll(async () => {
    run = await KilledRun.prepare(session);
  });
  afterAll(async () => {
    await run.drop();
    await session.close();
  });

  const keep = (name: string): unknown => {
    const args = [
      'workflow',
      'show',
      '-w',
      run.handle.workflowId,
      '-o',
      'json',
      '--address',
      session.address,
    ];
    const history = execFileSync(find(TEMPORAL) ?? 'temporal', args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const file = `${FOLDER}${name}.history.json`;
    // Who recorded it matters to nobody.
    const anonymous = history.replaceAll(/"identity": "[^"]*"/g, '"identity": "recorded"');
    if (process.env['RECORD'] === '1' || !existsSync(file)) writeFileSync(file, `${anonymous.trim()}\n`);
    return JSON.parse(history);
  };
  const withWorker = async (
    work: () => Promise<unknown>,
    settings: object = MANY_BATCHES,
  ): Promise<unknown> =>
    session.withVacuum(
      { taskQueue: run.taskQueue, url: run.database.url, policies: [prefectPolicy(settings)] },
      async () => {
        await run.start();
        return work();
      },
    );

  test('replay: cancelled, paused, killed and plain, each after the other', async () => {
    const slow = { ...MANY_BATCHES, batchPause: '20 ms' };
    await withWorker(async () => {
      await run.untilBatches(3);
      await run.handle.cancel();
      await run.handle.result().catch(() => undefined);
    }, slow);
    await replay(keep('cancelled'));

    await withWorker(async () => {
      await run.untilBatches(8);
      await run.handle.signal('pause', 'for the record');
      await run.handle.signal('resume');
      await run.handle.signal('stop');
      await run.handle.result();
    }, slow);
    await replay(keep('paused'));

    const victim = await startWorkerProcess({
      url: run.database.url,
      taskQueue: run.taskQueue,
      settings: { ...MANY_BATCHES, batchPause: '20 ms' },
    });
    await run.start();
    await run.untilBatches(12);
    await victim.end('SIGTERM');
    const successor = await startWorkerProcess({
      url: run.database.url,
      taskQueue: run.taskQueue,
      settings: MANY_BATCHES,
    });
    await run.handle.result();
    await successor.end();
    await replay(keep('killed'));

    await withWorker(async () => run.handle.result());
    await replay(keep('plain'));
  });
});
