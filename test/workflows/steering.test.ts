import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { RunProgress } from '../../workflows/progress.ts';
import { cli } from '../support/cli.ts';
import { readBlocks } from '../support/docs/markdown.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { find, ROOT, TCTL, TEMPORAL } from '../support/parts/bring.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy, fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

const execute = promisify(execFile);

// Slow enough to be caught in the middle by programs that take a second to start.
const SLOW = { ...MANY_BATCHES, batchPause: '60 ms' };

/** The lines of a page that are commands run here. */
const documented = readBlocks(readFileSync(join(ROOT, 'docs/operating.md'), 'utf8'))
  .filter(({ said }) => said.includes('run by test/workflows/steering.test.ts'))
  .flatMap(({ text }) => text.trim().split('\n'));

/** `PENDING_ACTIVITY_STATE_SCHEDULED`. */
const SCHEDULED = 1;

// What a browser does is in in-the-browser.test.ts.
describeNeeding(['temporal', 'tctl'], 'a run paused and resumed from a shell', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session, undefined, 700);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  /** Types commands of docs/operating.md that begin so, about the run here. */
  const asDocumented = async (command: string, activityId = ''): Promise<{ stdout: string }> => {
    const typed = documented
      .filter((line) => line.startsWith(command))
      .map((line) =>
        line.replace('by-hand-3', run.handle.workflowId).replace(/(?<=--activity-id )\d+/, activityId),
      );
    expect(typed).toHaveLength(1);
    const path = [dirname(find(TEMPORAL) ?? ''), process.env['PATH'] ?? ''].join(delimiter);
    const env = { ...process.env, PATH: path, TEMPORAL_ADDRESS: session.address };
    return execute('bash', ['-c', typed.join('\n')], { env });
  };

  const tctl = async (...args: string[]): Promise<unknown> =>
    execute(find(TCTL) ?? 'tctl', ['--address', session.address, ...args]);
  const temporal = async (...args: string[]): Promise<unknown> =>
    execute(find(TEMPORAL) ?? 'temporal', [...args, '--address', session.address]);
  const vacuum = async (...args: string[]): Promise<unknown> => {
    const at = ['--url', run.database.url, '--address', session.address, '--task-queue', run.taskQueue];
    const { code, stderr } = await cli([...args, ...at]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return undefined;
  };

  const withWorker = async (work: () => Promise<void>, settings: object = SLOW): Promise<void> =>
    session.withVacuum(
      { taskQueue: run.taskQueue, url: run.database.url, policies: [prefectPolicy(settings)] },
      async () => {
        await run.start();
        await work();
      },
    );

  const batches = async (): Promise<number> => run.database.value('select count(*) from vacuum.batch');

  const untilNoSlice = async (): Promise<void> => {
    await waitFor('no slice to be under way', async () => {
      const { raw } = await run.handle.describe();
      // One that is scheduled while its workflow is paused starts after that.
      return (raw.pendingActivities ?? []).every(({ state }) => Number(state) === SCHEDULED);
    });
  };

  /** Milliseconds from when Temporal had the last signal until the last batch was committed. */
  async function feltAfter(): Promise<number> {
    const { events } = await run.handle.fetchHistory();
    const time = events?.findLast((event) => event.workflowExecutionSignaledEventAttributes)?.eventTime;
    const signaled = Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
    return run.database.value(
      'select 1000 * extract(epoch from max(at))::float8 - $1::float8 from vacuum.batch',
      [signaled],
    );
  }

  test('by signals of tctl, temporal and our own commands: within a batch and a second, and nothing is done twice', async () => {
    const id = (): string => run.handle.workflowId;
    const ways: readonly (readonly [pause: () => Promise<unknown>, resume: () => Promise<unknown>])[] = [
      [
        async () => tctl('workflow', 'signal', '-w', id(), '--name', 'pause', '--input', '"by tctl"'),
        async () => tctl('workflow', 'signal', '-w', id(), '--name', 'resume'),
      ],
      [
        async () => temporal('workflow', 'signal', '-w', id(), '--name', 'pause', '--input', '"by temporal"'),
        async () => temporal('workflow', 'signal', '-w', id(), '--name', 'resume'),
      ],
      [
        async () => vacuum('pause', 'prefect', '--reason', 'by the vacuum'),
        async () => vacuum('resume', 'prefect'),
      ],
    ];
    await withWorker(async () => {
      await run.untilBatches(5);
      const frozen = await run.frozen();
      for (const [pause, resume] of ways) {
        await pause();
        await waitFor('the run to be paused', async () => {
          const { state } = await run.handle.query<RunProgress>('progress');
          return state === 'paused';
        });
        await untilNoSlice();
        const before = await batches();
        expect(await feltAfter()).toBeLessThan(1000 + (await longestBatch()));
        await resume();
        await waitFor('the run to go on', async () => (await batches()) > before);
      }
      await run.expectWhole(frozen);
    });
    await run.expectNothingLeft();
  });

  test('a stop signal in the middle of a slice is felt within a batch and a second', async () => {
    // A slice lasts 20 s where nobody asks for its end.
    await withWorker(
      async () => {
        await run.untilSlices(3);
        const before = await batches();
        await waitFor('the middle of it', async () => (await batches()) > before + 3);
        await temporal('workflow', 'signal', '-w', run.handle.workflowId, '--name', 'stop');
        expect(await run.handle.result()).toMatchObject({ status: 'stopped' });
        expect(await feltAfter()).toBeLessThan(1000 + (await longestBatch()));
      },
      { ...SLOW, shards: 1, batchPause: '150 ms' },
    );
    const report = await fetchReport(run.database, run.handle.workflowId);
    expect(report).toMatchObject({ status: 'stopped', deleted: await run.gone() });
    expect(report.passes.map(({ status }) => status)).toContain('unfinished');
    await run.expectNothingLeft();
  });

  async function longestBatch(): Promise<number> {
    return run.database.value('select max(millis)::float8 from vacuum.batch');
  }

  test('an activity paused by temporal goes on from its cursor after unpause', async () => {
    await withWorker(
      async () => {
        await run.untilBatches(5);
        const slices = async (): Promise<
          readonly { activityId?: string | null; attempt?: number | null }[]
        > => (await run.handle.describe()).raw.pendingActivities ?? [];
        // The first slices are short: one may end, as if nothing had been, before its worker hears of the pause.
        const which = await waitFor('a slice to take the pause', async () => {
          const [slice] = await slices();
          if (typeof slice?.activityId !== 'string') return undefined;
          const { activityId } = slice;
          await asDocumented('temporal activity pause', activityId).catch(() => undefined);
          // Its attempt ends by a failure that says so, and the next one waits.
          return waitFor('the attempt to end', async () => {
            const now = (await slices()).find((other) => other.activityId === activityId);
            if (now === undefined) return { paused: undefined };
            return (now.attempt ?? 0) > 1 ? { paused: activityId } : undefined;
          }).then(({ paused }) => paused);
        });
        const { stdout } = await asDocumented('temporal workflow describe');
        expect(stdout).toMatch(new RegExp(`ActivityId\\s+${which}\\s`));
        const before = await batches();
        const frozen = await run.frozen();
        await asDocumented('temporal activity unpause', which);
        await run.expectWhole(frozen);
        expect(await batches()).toBeGreaterThan(before);
      },
      { ...SLOW, shards: 1 },
    );
    await run.expectNothingLeft();
  });

  test('a workflow paused by temporal goes on after unpause, and nothing is lost', async () => {
    // In the middle of a slice. Between two, Temporal (server 1.32) fails the workflow task that waits, and no worker can replay that:
    // "WorkflowTaskMachine in state Scheduled says the transition is invalid". docs/operating.md says what to do then.
    await withWorker(
      async () => {
        await run.untilSlices(3);
        const begun = await batches();
        await waitFor('the middle of it', async () => (await batches()) > begun + 3);
        await asDocumented('temporal workflow pause');
        await untilNoSlice();
        expect((await run.handle.describe()).status.name).toBe('PAUSED');
        const before = await batches();
        // Another one finds the lease held: a paused workflow is open.
        const second = await session.start(run.taskQueue);
        expect(await second.result()).toMatchObject({ status: 'skipped' });
        expect(await batches()).toBe(before);
        await asDocumented('temporal workflow unpause');
        await run.expectWhole();
        expect(await batches()).toBeGreaterThan(before);
      },
      { ...SLOW, shards: 1, batchPause: '150 ms' },
    );
    await run.expectNothingLeft();
  }, 240_000);
});
