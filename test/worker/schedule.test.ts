import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleHandle } from '@temporalio/client';

import { applySchedule, getScheduleId, triggerSchedule } from '../../worker/schedule.ts';
import { cli } from '../support/cli.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession, temporalAddress } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'the schedule of a policy', () => {
  const session = new TemporalSession();
  let client: Client;
  let scheduleId: string;
  let handle: ScheduleHandle;

  beforeEach(async () => {
    client = await session.client();
    scheduleId = `vacuum-${session.queue()}`;
    handle = client.schedule.getHandle(scheduleId);
  });
  afterEach(async () => handle.delete().catch(() => undefined));
  afterAll(async () => session.close());

  const apply = async (settings = {}, taskQueue = 'nobody'): Promise<string> =>
    applySchedule(client, prefectPolicy(settings), { scheduleId, taskQueue });

  test('is created once; applying it again changes nothing', async () => {
    expect(await apply()).toBe('created');
    const first = await handle.describe();
    expect(await apply()).toBe('unchanged');
    const second = await handle.describe();
    expect(second.raw.info?.updateTime).toEqual(first.raw.info?.updateTime);
    expect(second.spec.intervals).toMatchObject([{ every: 3_600_000 }]);
    expect(second.policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 3_600_000 });
    expect(second.action.args).toEqual([{ policy: 'prefect', mode: 'execute' }]);
  });

  test('follows the policy, and keeps what an operator paused, with the note', async () => {
    await apply();
    await handle.pause('moving the database');
    expect(await apply({ loopSeconds: 600 })).toBe('updated');
    const described = await handle.describe();
    expect(described.state).toMatchObject({ paused: true, note: 'moving the database' });
    expect(described.spec.intervals).toMatchObject([{ every: 600_000 }]);
    expect(await apply({ loopSeconds: 600 })).toBe('unchanged');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'moving the database' });
  });

  test('runs at the times of a cron in its time zone, and applying that again changes nothing', async () => {
    const monthly = { cron: '0 3 1 * *', timezone: 'Asia/Bangkok' };
    expect(await apply(monthly)).toBe('created');
    const [next] = (await handle.describe()).info.nextActionTimes;
    // 03:00 in Bangkok is 20:00 UTC of the day before.
    expect(next?.toISOString()).toMatch(/T20:00:00.000Z$/);
    expect(await apply(monthly)).toBe('unchanged');
  });

  test.each([
    '0 3 * * 7',
    '0 3 * * 0,7',
    '0 3 * * */7',
    '0 3 * * */2',
    '0 3 * * 5-6,sun',
    '0 3 * * MON-FRI',
    '0 3 29 2 *',
    '0 3 31 * *',
    '0 3 */10 JAN-MAR *',
    '*/20 1-5/2,22 1,15 */5 *',
    '05 03 * 01 *',
  ])('a cron that is taken fires at the times that Temporal has: %s', async (cron) => {
    expect(await apply({ cron, timezone: 'Asia/Kathmandu' })).toBe('created');
    // It compares the times.
    expect(await apply({ cron, timezone: 'Asia/Kathmandu' })).toBe('unchanged');
    expect((await handle.describe()).info.nextActionTimes.length).toBeGreaterThan(1);
  });

  test('is put right again where somebody changed its times at the server', async () => {
    await apply();
    await handle.update((was) => ({ ...was, spec: { intervals: [{ every: '1 minute' }] } }));
    expect(await apply()).toBe('updated');
    expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  });

  test('trigger starts a run, and never a second beside an open one', async () => {
    const run = await KilledRun.prepare(session);
    const policies = [prefectPolicy({ ...MANY_BATCHES, batchPause: '30 ms' })];
    await session.withVacuum({ taskQueue: run.taskQueue, url: run.database.url, policies }, async () => {
      await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue: run.taskQueue });
      expect(await triggerSchedule(client, scheduleId)).toEqual({ started: true });
      await run.untilBatches(2);
      const again = await triggerSchedule(client, scheduleId);
      expect(again).toMatchObject({ started: false });
      const { info } = await handle.describe();
      expect(info.runningActions.length).toBe(1);
      const workflowId = info.runningActions[0]?.workflow.workflowId ?? '';
      expect(workflowId.startsWith(scheduleId)).toBe(true);
      const described = await client.workflow.getHandle(workflowId).describe();
      expect(await described.staticSummary()).toBe('Scheduled vacuum: deletes what policy prefect lets go');
      expect(await described.staticDetails()).toContain('orphaned-logs, ');
      expect(await client.workflow.getHandle(workflowId).result()).toMatchObject({ status: 'completed' });
      expect(await run.database.value('select count(*) from vacuum.run')).toBe(1);
    });
    await run.expectNothingLeft();
    await run.drop();
  });

  test('is handled from the command line', async () => {
    const at = ['prefect', '--address', temporalAddress(), '--id', scheduleId, '--json'];
    const command = async (
      verb: string,
      ...more: string[]
    ): Promise<{ code: number | null; answer: object }> => {
      const { code, stdout, stderr } = await cli(['schedule', verb, ...at, ...more]);
      if (stdout === '') throw new Error(stderr);
      return { code, answer: JSON.parse(stdout) as object };
    };
    expect(await command('apply')).toMatchObject({
      code: 0,
      answer: { applied: 'created', when: 'every 1 hour' },
    });
    expect(await command('apply')).toMatchObject({ code: 0, answer: { applied: 'unchanged' } });
    expect(await command('pause', '--reason', 'a backup')).toMatchObject({
      answer: { paused: true, note: 'a backup' },
    });
    expect(await command('show')).toMatchObject({
      answer: { paused: true, note: 'a backup', taskQueue: 'vacuum' },
    });
    expect(await command('resume')).toMatchObject({ answer: { paused: false } });
    expect(await command('trigger')).toMatchObject({ code: 0, answer: { started: true } });
    await waitFor('the run to be open', async () => (await handle.describe()).info.runningActions[0]);
    expect(await command('trigger')).toMatchObject({ code: 4, answer: { started: false } });
    const [open] = (await handle.describe()).info.runningActions;
    await client.workflow.getHandle(open?.workflow.workflowId ?? '').terminate();
    expect(await command('delete')).toMatchObject({ code: 0, answer: { deleted: true } });
    expect(await command('delete')).toMatchObject({ code: 0, answer: { deleted: false } });
    const gone = await cli(['schedule', 'show', ...at]);
    expect(gone.code).toBe(2);
  });

  test('has an id of its policy’s name', () => {
    expect(getScheduleId(prefectPolicy())).toBe('vacuum-prefect');
  });
});
