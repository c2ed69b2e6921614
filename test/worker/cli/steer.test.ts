import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';

import { applySchedule, triggerSchedule } from '../../../worker/schedule.ts';
import type { RunProgress } from '../../../workflows/progress.ts';
import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { KilledRun, MANY_BATCHES } from '../../support/killed-run.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { prefectPolicy } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

describeNeeding(['temporal'], 'pause, resume and stop', () => {
  const session = new TemporalSession();
  const policies = [prefectPolicy({ ...MANY_BATCHES, batchPause: '60 ms' })];
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  const at = (): string[] => ['prefect', '--address', session.address, '--task-queue', run.taskQueue];
  const type = async (signal: string, ...more: string[]): Promise<CliResult> =>
    cli([signal, ...at(), ...more], { env: { VACUUM_DATABASE_URL: run.database.url } });
  const withWorker = async (work: () => Promise<void>): Promise<void> =>
    session.withVacuum({ taskQueue: run.taskQueue, url: run.database.url, policies }, work);

  test('say that no run is open, and what to do instead', async () => {
    for (const signal of ['pause', 'resume', 'stop']) {
      const { code, stdout, stderr } = await type(signal);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain(
        `at ${session.address} there is nothing to ${signal}: no run of policy prefect is open`,
      );
      expect(stderr).toContain('schedule ');
    }
  });

  test('reach a run that the schedule started, without a database to ask', async () => {
    const client = await session.client();
    const scheduleId = `vacuum-${run.taskQueue}`;
    await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue: run.taskQueue });
    await withWorker(async () => {
      await triggerSchedule(client, scheduleId);
      await run.untilBatches(3);
      const { info } = await client.schedule.getHandle(scheduleId).describe();
      const workflowId = info.runningActions[0]?.workflow.workflowId ?? '';
      const { code, stdout } = await cli([
        'pause',
        ...at().filter((word) => word !== run.taskQueue && word !== '--task-queue'),
        '--id',
        scheduleId,
        '--reason',
        'on call',
        '--json',
      ]);
      expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        answer: {
          policy: 'prefect',
          signal: 'pause',
          workflows: [{ workflowId, run: 1, state: 'paused' }],
          openElsewhere: null,
        },
      });
      const handle = client.workflow.getHandle(workflowId);
      expect(await handle.query<RunProgress>('progress')).toMatchObject({
        state: 'paused',
        reason: 'on call',
      });
      const resumed = await type('resume');
      expect(resumed).toMatchObject({ code: 0, stdout: `run 1 of workflow ${workflowId} is running\n` });
      expect(await type('stop', '--reason', 'enough')).toMatchObject({ code: 0, stderr: '' });
      expect(await handle.result()).toMatchObject({ status: 'stopped', reasons: ['stopped: enough'] });
    });
    await client.schedule.getHandle(scheduleId).delete();
    await run.expectNothingLeft();
  });

  test('reach a run that somebody started by hand before any worker is there, and no run of another task queue', async () => {
    await run.start();
    const client = await session.client();
    const other = await session.start(session.queue());
    await waitFor('both to be listed', async () => {
      const ids = [run.handle.workflowId, other.workflowId].map((id) => `'${id}'`);
      const { count } = await client.workflow.count(`WorkflowId in (${ids.join(', ')})`);
      return count === 2;
    });
    const { code, stdout } = await type('pause');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `workflow ${run.handle.workflowId}: the signal is sent; no worker has confirmed it yet\n`,
    });
    await withWorker(async () => {
      await waitFor('the run to be paused', async () => {
        const { state } = await run.handle.query<RunProgress>('progress');
        return state === 'paused';
      });
      expect(await type('stop')).toMatchObject({ code: 0 });
      await run.handle.result();
    });
    const { events } = await other.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(false);
    await other.terminate();
  });

  test('tell of a run that only the ledger has open', async () => {
    await withWorker(async () => {
      await run.start();
      await run.untilBatches(3);
      await run.handle.terminate('an accident');
    });
    const { code, stderr } = await type('stop');
    expect(code).toBe(4);
    expect(stderr).toContain(`run 1 of workflow ${run.handle.workflowId} is open in the ledger`);
    expect(stderr).toContain('the next run takes its place');
  });

  test('are felt by a worker with payload codecs, whose results cannot be read', async () => {
    const encode = async (payloads: Payload[]): Promise<Payload[]> =>
      payloads.map((payload) => ({
        metadata: { encoding: Buffer.from('binary/encrypted') },
        data: Buffer.from(JSON.stringify(toJson(payload))),
      }));
    const decode = async (payloads: Payload[]): Promise<Payload[]> =>
      payloads.map((payload) =>
        Buffer.from(payload.metadata?.['encoding'] ?? []).toString() === 'binary/encrypted'
          ? fromJson(payload)
          : payload,
      );
    const dataConverter = { payloadCodecs: [{ encode, decode }] };
    const vacuum = { taskQueue: run.taskQueue, url: run.database.url, policies, worker: { dataConverter } };
    await session.withVacuum(vacuum, async () => {
      await run.start();
      await run.untilBatches(3);
      const { workflowId } = run.handle;
      const paused = await type('pause', '--reason', 'on call');
      expect(paused).toMatchObject({ code: 0, stderr: '' });
      expect(paused.stdout).toBe(
        `workflow ${workflowId}: the signal is sent; the worker encodes its results in a way that this program cannot decode. ` +
          '`temporal-vacuum history` shows what comes of it\n',
      );
      const history = await cli(
        ['history', ...at(), '--json'].filter((word) => word !== 'prefect'),
        {
          env: { VACUUM_DATABASE_URL: run.database.url },
        },
      );
      expect(JSON.parse(history.stdout)).toMatchObject([{ status: 'running', state: 'encoded' }]);
      await type('stop', '--reason', 'enough');
      const ended = `select count(*) from vacuum.run where status = 'stopped' and reasons::text like '%enough%'`;
      await waitFor('the run to be stopped', async () => (await run.database.value(ended)) === 1);
    });
    await run.expectNothingLeft();
  });
});

interface EncodedPayload {
  readonly metadata: Record<string, string>;
  readonly data: string;
}

function toJson({ metadata, data }: Payload): EncodedPayload {
  const texts = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]);
  return { metadata: Object.fromEntries(texts), data: Buffer.from(data ?? []).toString('base64') };
}

function fromJson({ data }: Payload): Payload {
  const { metadata, data: text } = JSON.parse(Buffer.from(data ?? []).toString()) as EncodedPayload;
  const bytes = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value)]);
  return { metadata: Object.fromEntries(bytes), data: Buffer.from(text, 'base64') };
}
