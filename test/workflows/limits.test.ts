import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { VacuumInput } from '../../activities/contract.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import type { LimitOptions } from '../../policy/limits.ts';
import { readWindow, parseLimits } from '../../policy/limits.ts';
import type { Policy, PolicyOptions } from '../../policy/policy.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { makeThings, Note, oldThings, thingPolicy, THINGS } from '../support/guarded.ts';
import { describeNeeding } from '../support/needing.ts';
import { readSummaries } from '../support/summaries.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport, vacuum } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
import { closedWindow, nextMinute, openWindow, windowFrom } from '../support/windows.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

interface Progress {
  readonly state: string;
  readonly reason: string | null;
}

const NOTES = oldThings({ name: 'old-notes', entity: Note });
/** Notes that are older than the retention. */
const OLD = THINGS / 5;
// Slow enough to be caught in the middle.
const SLOW = { batchSize: 5, batchPause: '20 ms', slice: { batches: 4 } } as const;

describeNeeding(['temporal'], 'a run with limits', () => {
  const session = new TemporalSession();
  let template: string;
  let things: TestDatabase;

  beforeAll(async () => {
    template = await makeThings();
  });
  beforeEach(async () => {
    things = await createDatabase(template);
  });
  afterEach(async () => things.drop());
  afterAll(async () => session.close());

  const notes = async (): Promise<number> => things.value('select count(*) from note');
  const makePolicy = (limits: LimitOptions, options: Partial<PolicyOptions> = {}): Policy =>
    thingPolicy({ passes: [NOTES], limits, ...options });

  async function run(policy: Policy, input: VacuumInput = {}): Promise<LedgerReport> {
    return vacuum(session, things, [policy], input);
  }

  async function withRun<T>(
    policy: Policy,
    work: (handle: WorkflowHandle, taskQueue: string) => Promise<T>,
  ): Promise<T> {
    const taskQueue = session.queue();
    return session.withVacuum({ taskQueue, url: things.url, policies: [policy] }, async () =>
      work(await session.start(taskQueue), taskQueue),
    );
  }

  test.each([
    ['pages', 'drop index note_at_idx'],
    ['ages', 'analyze note'],
  ])('of rows deletes exactly so many by %s, and later runs go on', async (_, sql) => {
    await things.rows(`create index note_at_idx on note (at); ${sql}`);
    const policy = makePolicy({ maxRows: 137 });
    const first = await run(policy);
    expect(first).toMatchObject({
      status: 'stopped',
      rows: 137,
      deleted: { note: 137 },
      reasons: ['stopped: limit maxRows 137 reached: 137 rows'],
    });
    expect(first.passes.map(({ status, shards }) => [status, shards])).toEqual([['unfinished', 1]]);
    expect(await run(policy, { maxRows: 10 })).toMatchObject({ status: 'stopped', deleted: { note: 10 } });
    expect(await run(policy)).toMatchObject({ status: 'stopped', deleted: { note: 137 } });
    const last = OLD - 137 - 10 - 137;
    expect(await run(policy)).toMatchObject({ status: 'completed', deleted: { note: last }, reasons: [] });
    expect(await notes()).toBe(THINGS - OLD);
  });

  test('of rows counts what goes along, takes no family in part and none too many', async () => {
    const report = await run(thingPolicy({ limits: { maxRows: 137 } }));
    expect(report).toMatchObject({ status: 'stopped', deleted: { thing: 68, part: 68 } });
    expect(report.reasons).toEqual([
      'stopped: limit maxRows 137 reached: 136 rows; the next row would delete more than is left',
    ]);
    expect(
      await things.value(
        'select count(*) from thing as t where not exists (select from part where thing_id = t.id)',
      ),
    ).toBe(0);
  });

  test('of fewer rows than one family has takes it in bites, run after run', async () => {
    await things.rows(`update part set thing_id = 85 where id <= 320;
      delete from thing where at < now() - interval '30 days' and id <> 85`);
    const policy = thingPolicy({ limits: { maxRows: 150 } });
    const gone = await things.value('select count(*) from part where thing_id = 85');
    const rows: number[] = [];
    for (let status = 'stopped'; status === 'stopped';) {
      const report = await run(policy);
      ({ status } = report);
      rows.push(report.rows);
    }
    expect(rows.slice(0, 2)).toEqual([150, 150]);
    expect(rows.reduce((sum, n) => sum + n, 0)).toBe(gone + 1);
    expect(await things.value('select count(*) from thing where id = 85')).toBe(0);
  });

  test('of rows is not given them anew when its worker is killed', async () => {
    const prefect = await createDatabase();
    await prefect.rows(`insert into log (name, level, flow_run_id, message, timestamp)
      select 'x', 20, gen_random_uuid(), 'x', now() - interval '3 days' from generate_series(1, 900)`);
    const taskQueue = session.queue();
    const settings = { maxRows: 400, batchSize: 10, batchPause: '20 ms' };
    const worker = await startWorkerProcess({ url: prefect.url, taskQueue, settings });
    const handle = await session.start(taskQueue);
    await waitFor('some batches', async () =>
      prefect.value<boolean>('select count(*) > 8 from vacuum.batch').catch(() => false),
    );
    await worker.end('SIGKILL');
    const next = await startWorkerProcess({ url: prefect.url, taskQueue, settings });
    expect(await handle.result()).toMatchObject({ status: 'stopped', rows: 400 });
    await next.end();
    expect(await prefect.value('select count(*) from log')).toBe(500);
    await prefect.drop();
  });

  test('of time ends while it is paused', async () => {
    await withRun(makePolicy({ maxDuration: '4 s' }, SLOW), async (handle) => {
      await untilSome();
      await handle.signal('pause', 'and forgotten');
      expect(await handle.result()).toMatchObject({
        status: 'stopped',
        reasons: ['stopped: limit maxDuration 4 seconds reached: paused for longer'],
      });
    });
    expect(await things.value('select count(*) from vacuum.run where ended_at is null')).toBe(0);
  });

  test('of time ends after its batch', async () => {
    const report = await run(makePolicy({ maxDuration: '1 s' }, { ...SLOW, batchPause: '100 ms' }));
    expect(report.status).toBe('stopped');
    expect(report.reasons).toEqual([
      expect.stringMatching(/^stopped: limit maxDuration 1 second reached: \d+ seconds?$/),
    ]);
    expect(report.rows).toBe(THINGS - (await notes()));
    expect(report.rows).toBeLessThan(OLD);
  });

  /** Closes or opens the window of the run that is open, as time would. */
  async function setWindow(text: string): Promise<void> {
    const window = readWindow(parseLimits({ window: text }));
    await things.rows(
      `update vacuum.run set settings = jsonb_set(settings, '{limits,window}', $1) where ended_at is null`,
      [JSON.stringify(window)],
    );
  }

  async function untilSome(): Promise<void> {
    await waitFor('some batches', async () =>
      things.value<boolean>('select count(*) > 5 from vacuum.batch').catch(() => false),
    );
  }

  const untilWaiting = async (handle: WorkflowHandle): Promise<Progress> =>
    waitFor('it to wait with no slice under way', async () => {
      const progress = await handle.query<Progress>('progress');
      const { raw } = await handle.describe();
      return progress.state === 'waiting' && (raw.pendingActivities ?? []).length === 0
        ? progress
        : undefined;
    });

  /** A request interrupts a wait, and the run looks again whether it may go on. */
  async function lookAgain(handle: WorkflowHandle): Promise<void> {
    await handle.signal('pause');
    await handle.signal('resume');
  }

  test('waits on a timer of its own where its window closes in the middle of a pass, and goes on', async () => {
    const policy = makePolicy({ window: openWindow(), timezone: 'UTC' }, { ...SLOW, shards: 2 });
    await withRun(policy, async (handle, taskQueue) => {
      await untilSome();
      await setWindow(closedWindow());
      const waiting = await untilWaiting(handle);
      expect(waiting.reason).toMatch(/^limit window \d\d:\d\d-\d\d:\d\d UTC reached: closed until 20/);
      const { events } = await handle.fetchHistory();
      const timer = events?.findLast((event) => event.timerStartedEventAttributes);
      expect(Number(timer?.timerStartedEventAttributes?.startToFireTimeout?.seconds)).toBeGreaterThan(3600);
      expect(await notes()).toBeGreaterThan(THINGS - OLD);

      const second = await session.start(taskQueue, { ifBusy: 'wait' });
      await untilWaiting(second);

      await setWindow(openWindow());
      await lookAgain(handle);
      expect(await handle.result()).toMatchObject({ status: 'completed', rows: OLD });
      await lookAgain(second);
      expect(await second.result()).toMatchObject({ status: 'completed', rows: 0 });

      // A stranger can read what each activity and each timer is for.
      const slice = expect.stringMatching(/^expire rows: old-notes, part [12] of 2$/);
      const begin = 'check, take the lease, make the plan';
      const end = 'close the run, free the lease';
      const waits = expect.stringMatching(
        /^wait until 20\d\d-\S+Z: limit window \d\d:\d\d-\d\d:\d\d UTC reached/,
      );
      const first = await readSummaries(handle);
      expect([first[0], first.at(-1)]).toEqual([begin, end]);
      const between = first.slice(1, -1);
      expect(between).toContainEqual(waits);
      for (const summary of between) expect([waits, slice]).toContainEqual(summary);
      expect([...new Set(await readSummaries(second))]).toEqual([
        begin,
        `wait for run 1 of workflow ${handle.workflowId}`,
        'expire rows: old-notes',
        end,
      ]);
    });
  });

  test('stops where its window closes, if it was told to', async () => {
    await withRun(makePolicy({ window: openWindow(), whenClosed: 'stop' }, SLOW), async (handle) => {
      await untilSome();
      await setWindow(closedWindow());
      const report = (await handle.result()) as LedgerReport;
      expect(report.status).toBe('stopped');
      expect(report.reasons).toEqual([expect.stringMatching(/^stopped: limit window .* closed until 20/)]);
    });
    expect(await run(makePolicy({}))).toMatchObject({ status: 'completed' });
    expect(await notes()).toBe(THINGS - OLD);
  });

  test('waits for its window before it begins, holds no lease meanwhile, and can be stopped', async () => {
    await withRun(makePolicy({ window: closedWindow() }), async (handle) => {
      const progress = await waitFor('it to wait', async () => {
        const found = await handle.query<Progress>('progress');
        return found.state === 'waiting' ? found : undefined;
      });
      expect(progress.reason).toContain('closed until');
      expect(await things.value('select count(*) from vacuum.run')).toBe(0);
      await handle.signal('stop', 'not tonight');
      expect(await handle.result()).toMatchObject({
        run: null,
        status: 'stopped',
        reasons: ['stopped: not tonight'],
      });
    });
    expect(await notes()).toBe(THINGS);
  });

  test('does not begin outside its window, if it was told to stop', async () => {
    await withRun(makePolicy({ window: closedWindow(), whenClosed: 'stop' }), async (handle) => {
      expect(await handle.result()).toMatchObject({
        run: null,
        status: 'stopped',
        reasons: [expect.stringContaining('closed until')],
      });
    });
    expect(await notes()).toBe(THINGS);
  });

  test('goes on by itself when its window opens in the zone of the policy, or leaves that to the next run', async () => {
    const timezone = 'Asia/Kathmandu';
    // The worker is up by then, and both runs begin before.
    const opens = nextMinute(12_000);
    const window = { window: windowFrom(opens, timezone), timezone };
    const policies = [
      makePolicy(window, { name: 'waits' }),
      thingPolicy({ name: 'stops', limits: { ...window, whenClosed: 'stop' } }),
    ];
    const taskQueue = session.queue();
    const closed = `closed until ${formatInstant(new Date(opens).toISOString())}`;
    await session.withVacuum({ taskQueue, url: things.url, policies }, async () => {
      const waits = await session.start(taskQueue, { policy: 'waits' });
      const stops = await session.start(taskQueue, { policy: 'stops' });
      expect(await stops.result()).toMatchObject({
        run: null,
        status: 'stopped',
        reasons: [expect.stringContaining(closed)],
      });
      expect((await untilWaiting(waits)).reason).toContain(`${timezone} reached: ${closed}`);
      expect(await things.value('select count(*) from vacuum.run')).toBe(0);

      expect(await waits.result()).toMatchObject({ status: 'completed', rows: OLD });
      const { events } = await waits.fetchHistory();
      expect(events?.filter((event) => event.timerFiredEventAttributes)).toHaveLength(1);
      const first = 'select 1000 * extract(epoch from min(at))::float8 from vacuum.batch';
      expect(await things.value(first)).toBeGreaterThanOrEqual(opens);

      const next = await session.start(taskQueue, { policy: 'stops' });
      expect(await next.result()).toMatchObject({ status: 'completed', rows: 2 * OLD });
    });
    expect(await notes()).toBe(THINGS - OLD);
  });

  test('cancelled while it waits for its window, before it begins or in the middle, leaves the way free', async () => {
    const cancel = async (handle: WorkflowHandle): Promise<void> => {
      await untilWaiting(handle);
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    };
    await withRun(makePolicy({ window: closedWindow() }), cancel);
    expect(await things.value('select count(*) from vacuum.run')).toBe(0);

    await withRun(makePolicy({ window: openWindow() }, SLOW), async (handle) => {
      await untilSome();
      await setWindow(closedWindow());
      await cancel(handle);
    });
    const gone = THINGS - (await notes());
    expect(gone).toBeGreaterThan(0);
    expect(gone).toBeLessThan(OLD);
    expect(await things.rows('select status, ended_at is null as open from vacuum.run')).toEqual([
      { status: 'cancelled', open: false },
    ]);
    expect(await run(makePolicy({}))).toMatchObject({ status: 'completed', rows: OLD - gone });
  });

  test('previews whatever the time', async () => {
    const taskQueue = session.queue();
    const policies = [makePolicy({ window: closedWindow() })];
    await session.withVacuum({ taskQueue, url: things.url, policies }, async () => {
      const handle = await session.start(taskQueue, { mode: 'preview' });
      await handle.result();
      expect(await readSummaries(handle)).toEqual(['count what would be deleted']);
      expect(await fetchReport(things, handle.workflowId)).toMatchObject({ deleted: { note: OLD } });
    });
  });
});
