import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Client, ScheduleHandle } from '@temporalio/client';

import { applySchedule } from '../../worker/schedule.ts';
import { cli } from '../support/cli.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { countThings, makeThings, thingPolicy } from '../support/guarded.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession, temporalAddress } from '../support/temporal.ts';
import { fetchReport, prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'a schedule of another environment', () => {
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

  const production = 'postgresql://app:secret-of-production@db.production/prefect';
  const staging = 'postgresql://app:secret-of-staging@db.staging/prefect';
  const schedule = async (verb: string, url: string, ...more: string[]): ReturnType<typeof cli> =>
    cli([
      'schedule',
      verb,
      'prefect',
      '--id',
      scheduleId,
      '--url',
      url,
      '--address',
      temporalAddress(),
      ...more,
    ]);

  test('on another task queue is taken over only when told to, and no other command touches it', async () => {
    await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue: 'vacuum' });
    const fresh = ['--task-queue', 'fresh'];
    for (const verb of ['apply', 'pause', 'resume', 'trigger', 'delete']) {
      const { code, stderr } = await schedule(verb, staging, ...fresh);
      expect({ verb, code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('starts its runs on task queue vacuum, and this one is fresh'),
      });
      expect(stderr).toContain('--move');
      expect(stderr).toContain('--id');
    }
    const left = await handle.describe();
    expect(left).toMatchObject({ action: { taskQueue: 'vacuum' }, state: { paused: false } });
    // What the schedule starts by itself, it starts on the hour.
    const triggered = left.info.recentActions.filter(
      ({ scheduledAt }) => scheduledAt.getTime() % 3_600_000 !== 0,
    );
    expect(triggered).toEqual([]);
    const moved = await schedule('apply', staging, ...fresh, '--move');
    expect(moved.stdout).toContain('on task queue fresh');
    expect((await handle.describe()).action.taskQueue).toBe('fresh');
  });

  test('for another database on the same task queue is noticed, and Temporal is told no part of a URL', async () => {
    expect((await schedule('apply', production)).code).toBe(0);
    const again = await schedule('apply', production.replace('secret-of', 'other'), '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ applied: 'unchanged' });
    const { code, stderr } = await schedule('apply', staging);
    expect(code).toBe(2);
    expect(stderr).toContain('was applied for another database');
    const described = JSON.stringify(await handle.describe());
    for (const secret of ['secret-of', 'db.production', 'db.staging'])
      expect(described).not.toContain(secret);
    // Who has no URL at hand may apply it as before.
    expect(await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue: 'vacuum' })).toBe(
      'unchanged',
    );
    expect((await schedule('apply', staging)).code).toBe(2);
    expect((await schedule('apply', staging, '--move')).code).toBe(0);
  });

  test('is a problem for the doctor', async () => {
    await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue: 'elsewhere' });
    const database = await createDatabase();
    const at = ['--url', database.url, '--address', temporalAddress(), '--id', scheduleId];
    const { code, stdout } = await cli(['doctor', 'prefect', ...at]);
    expect(code).toBe(1);
    expect(stdout).toContain('starts its runs on task queue elsewhere, and this one is vacuum');
    const own = await cli(['doctor', 'prefect', ...at, '--task-queue', 'elsewhere']);
    expect(own.stdout).toContain('schedule: it is active');
    // Nobody polls that queue, and the schedule starts runs there.
    expect(own.code).toBe(1);
    expect(own.stdout).toContain('none polls task queue elsewhere, so that no scheduled run works');
    const trigger = await cli(['schedule', 'trigger', 'prefect', ...at, '--task-queue', 'elsewhere']);
    expect(trigger.stderr).toContain('no worker polls task queue elsewhere: runs wait until one does');
    const taskQueue = session.queue();
    const work = { taskQueue, url: database.url, policies: [prefectPolicy()] };
    await session.withVacuum(work, async () => {
      await waitFor('the worker to poll', async () => {
        const found = await cli(['doctor', 'prefect', ...at, '--task-queue', taskQueue]);
        return found.stdout.includes(`worker: one polls task queue ${taskQueue}`);
      });
    });
    await database.drop();
  });
});

describeNeeding(['temporal'], 'two environments with one task queue', () => {
  const session = new TemporalSession();
  let template: string;
  let own: TestDatabase;
  let other: TestDatabase;

  beforeAll(async () => {
    template = await makeThings();
  });
  beforeEach(async () => {
    own = await createDatabase(template);
    other = await createDatabase(template);
  });
  afterEach(async () => {
    await own.drop();
    await other.drop();
  });
  afterAll(async () => session.close());

  test.each(['no ledger', 'a ledger with runs of its own'])(
    'a run that meets the other database, with %s, says so, deletes nothing there and is closed where it began',
    async (ledger) => {
      const taskQueue = session.queue();
      const policies = [thingPolicy()];
      const work = (database: TestDatabase): Parameters<typeof session.withVacuum>[0] => ({
        taskQueue,
        url: database.url,
        policies,
      });
      if (ledger !== 'no ledger') {
        await session.withVacuum(work(other), async () => (await session.start(taskQueue)).result());
      }
      const before = await countThings(other);
      const { workflow } = await session.client();
      const handle = await session.withVacuum(work(own), async () => {
        const started = await workflow.signalWithStart('vacuum', {
          workflowId: taskQueue,
          taskQueue,
          signal: 'pause',
        });
        await waitFor(
          'the begin of the run',
          async () => (await started.query<{ state: string }>('progress')).state === 'paused',
        );
        return started;
      });
      await handle.signal('resume');
      await session.withVacuum(work(other), async () =>
        waitFor('an attempt to close the run', async () => {
          const { raw } = await handle.describe();
          return (raw.pendingActivities ?? []).some(
            ({ activityType, attempt }) => activityType?.name === 'vacuum.finishRun' && (attempt ?? 0) > 1,
          );
        }),
      );
      expect(await countThings(other)).toEqual(before);
      await session.withVacuum(work(own), async () => {
        await expect(handle.result()).rejects.toMatchObject({
          cause: {
            message: expect.stringContaining(`Workers with different databases poll task queue ${taskQueue}`),
          },
        });
      });
      const report = await fetchReport(own, taskQueue);
      expect(report.reasons.join()).toContain('Give each environment a task queue');
      expect(await own.value('select count(*)::int from vacuum.run where ended_at is null')).toBe(0);
    },
    120_000,
  );
});
