import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ApplicationFailure } from '@temporalio/common';

import type { VacuumInput } from '../../../activities/contract.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase as openVacuumed } from '../../../activities/ledger/database.ts';
import { acknowledge } from '../../../activities/ledger/guards.ts';
import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { Policy } from '../../../policy/policy.ts';
import { applySchedule, getScheduleId, triggerSchedule } from '../../../worker/schedule.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase, onServer, makeUrl } from '../../support/database.ts';
import { countThings, lostNotes, makeThings, oldThings, thingPolicy, THINGS } from '../../support/guarded.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { fetchReport, vacuum } from '../../support/vacuum.ts';
import { waitFor } from '../../support/wait.ts';

// Guards that stop what is meant are switched off: each must let through what is no mistake.
describeNeeding(['temporal'], 'guards let through', () => {
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

  const most = { passes: [oldThings({ olderThan: '3 days' })] };
  const sound = thingPolicy();

  async function run(policy: Policy, input: VacuumInput = {}, on = things): Promise<LedgerReport> {
    return vacuum(session, on, [policy], input);
  }

  async function findFailure(running: Promise<unknown>): Promise<ApplicationFailure> {
    const failed = await running.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    return failed?.cause as ApplicationFailure;
  }

  test('what somebody has looked at: a run, a preview, the same run', async () => {
    const policy = thingPolicy(most);
    const failure = await findFailure(run(policy));
    expect(failure.type).toBe('VacuumGuard');
    expect(failure.message).not.toContain('part');
    const stopped = await things.rows(
      'select status, reasons, ended_at is not null as ended from vacuum.run',
    );
    expect(stopped).toEqual([
      {
        status: 'stopped-by-guard',
        ended: true,
        reasons: [expect.stringContaining('limit maxPercent 50'), expect.anything()],
      },
    ]);
    const preview = await run(policy, { mode: 'preview' });
    // Neither the name of the pass nor how fast it goes is what somebody has looked at.
    expect(await run(thingPolicy({ ...most, batchSize: 100, shards: 1 }))).toMatchObject({
      status: 'completed',
      deleted: preview.deleted,
    });
  });

  test('what the policy allows, and half of a table to the row', async () => {
    expect(await run(thingPolicy({ ...most, limits: { maxPercent: 92 } }))).toMatchObject({
      status: 'completed',
    });
    await things.rows(`delete from thing; insert into thing
      select n, 'done', now() - case when n <= 750 then interval '40 days' else interval '0' end
      from generate_series(1, 1500) as n; select pg_stat_force_next_flush(); analyze thing`);
    await things.rows(`update vacuum.guard set tables = '{}'`);
    expect(await run(sound)).toMatchObject({ status: 'completed', deleted: { thing: 750 } });
  });

  test('a large part of a table, in runs of a few rows', async () => {
    expect(await run(thingPolicy({ ...most, limits: { maxRows: 200 } }))).toMatchObject({
      status: 'stopped',
      rows: 200,
    });
  });

  test('what a worker was told to allow', async () => {
    const taskQueue = session.queue();
    const work = { taskQueue, url: things.url, policies: [thingPolicy(most)], allowPercent: 92 };
    await session.withVacuum(work, async () => {
      const handle = await session.start(taskQueue);
      expect(await handle.result()).toMatchObject({ status: 'completed' });
    });
    expect(await things.value('select count(*) from thing')).toBe(THINGS - 1380);
  });

  test('small tables as a whole', async () => {
    await things.rows('delete from thing where id > 999');
    expect(await run(thingPolicy(most))).toMatchObject({ status: 'completed' });
  });

  test('what only holds keep', async () => {
    const policy = thingPolicy(most);
    const opened = await openVacuumed(things.url);
    const hold = { entity: 'Thing', rows: { filter: {} }, reason: 'r', who: 'w', until: null };
    await addHold(opened, policy, hold);
    await opened.close();
    expect(await run(policy)).toMatchObject({ status: 'completed', rows: 0, passes: [{ held: 1380 }] });
  });

  test('rows that two passes share, counted once', async () => {
    const passes = [
      oldThings(),
      oldThings({ name: 'done-things', olderThan: '22 days', where: { state: 'done' } }),
    ];
    expect(await run(thingPolicy({ passes }))).toMatchObject({ status: 'completed' });
  });

  test('an age that is in use, and one that may end', async () => {
    await things.rows(
      `update thing set at = at - interval '20 days'; update thing set at = now() where id = 1`,
    );
    expect(await run(thingPolicy({ limits: { maxPercent: 100 } }))).toMatchObject({ status: 'completed' });
    await things.rows(`update thing set at = now() - interval '50 days'; insert into thing
      select n, 'done', now() - interval '50 days' from generate_series(5000, 7000) as n`);
    const limits = { maxPercent: 100, allowNewest: true };
    expect(await run(thingPolicy({ limits }))).toMatchObject({ status: 'completed' });
    expect(await things.value('select count(*) from thing')).toBe(0);
  });

  test('what happens to databases that are well: rewritten, emptied and filled again, renamed', async () => {
    expect(await run(sound)).toMatchObject({ status: 'completed' });
    await things.rows('vacuum full thing');
    expect(await run(sound)).toMatchObject({ status: 'completed' });
    await things.rows(`create table kept as select * from thing; truncate thing cascade;
      insert into thing select * from kept; drop table kept`);
    expect(await run(sound)).toMatchObject({ status: 'completed' });
    await things.rows('truncate thing cascade');
    expect(
      await run(thingPolicy({ passes: [lostNotes({ grace: '36 days' })], limits: { maxPercent: 90 } })),
    ).toMatchObject({ status: 'completed' });
  });

  /** Nobody may be connected to what is copied. */
  async function createCopy(): Promise<TestDatabase> {
    const { name, url } = things;
    const sessions = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
    await onServer(makeUrl(url, 'postgres'), sessions);
    return createDatabase(name);
  }

  test('a copy of a database once a person acknowledges it, and not before', async () => {
    expect(await run(sound)).toMatchObject({ status: 'completed' });
    const copy = await createCopy();
    await copy.rows(`update thing set at = now() - interval '40 days' where id % 100 = 1`);
    const before = await countThings(copy);
    for (const attempt of [1, 2]) {
      const { message } = await findFailure(run(sound, {}, copy));
      expect([attempt, message]).toEqual([
        attempt,
        expect.stringContaining('`temporal-vacuum acknowledge things`'),
      ]);
    }
    expect(await countThings(copy)).toEqual(before);
    const { ledger, close } = await openVacuumed(copy.url);
    expect(await acknowledge(ledger, 'others')).toEqual([]);
    expect(await acknowledge(ledger, 'things')).toEqual([
      {
        policy: 'things',
        reasons: ['the database was made anew since the last run, as after restoring a backup'],
      },
    ]);
    await close();
    expect(await run(sound, {}, copy)).toMatchObject({ status: 'completed', deleted: { thing: 15 } });
    expect(await run(sound, {}, copy)).toMatchObject({ status: 'completed' });
    await copy.drop();
  });

  test('ten times what the last run deleted and not one row more, whatever runs that found nothing say', async () => {
    const policy = thingPolicy({ limits: { maxPercent: 100, smallTable: 0 } });
    const age = async (first: number, rows: number): Promise<unknown> =>
      things.rows(
        `insert into thing select n, 'done', now() - interval '31 days' from generate_series($1::int, $2::int) as n`,
        [first, first + rows - 1],
      );
    await things.rows(`delete from thing where at < now() - interval '30 days'`);
    await age(10_001, 20);
    // A run that its limit ends says what is usual like any other.
    expect(await run(policy, { maxRows: 12 })).toMatchObject({ status: 'stopped', rows: 12 });
    expect(await run(policy)).toMatchObject({ rows: 8 });
    expect(await run(policy)).toMatchObject({ rows: 0 });
    await age(20_001, 120);
    expect(await run(policy)).toMatchObject({ rows: 120 });
    await age(30_001, 1201);
    const failure = await findFailure(run(policy));
    expect(failure.message).toContain('pass old-things would delete 1,201 rows of entity Thing');
    expect(failure.message).toContain('one of its last ten runs deleted is 120');
    // As many as a table that nobody guards may have.
    expect(await run(thingPolicy({ limits: { maxPercent: 100, smallTable: 1202 } }))).toMatchObject({
      rows: 1201,
    });
  });

  test('a table of which another policy deleted most', async () => {
    expect(await run(sound)).toMatchObject({ status: 'completed' });
    const other = thingPolicy({ name: 'others', limits: { maxPercent: 100 }, ...most });
    expect((await run(other)).deleted).toMatchObject({ thing: expect.any(Number) });
    expect(await things.value('select count(*) from thing')).toBeLessThan(THINGS / 3);
    expect(await run(sound)).toMatchObject({ status: 'completed', rows: 0 });
  });

  test('a schedule whose ledger is older than its last run only once that is acknowledged', async () => {
    const taskQueue = session.queue();
    const policy = thingPolicy({ name: `things-${taskQueue.slice(-12)}`, schedule: { every: '10 days' } });
    await session.withVacuum({ taskQueue, url: things.url, policies: [policy] }, async (client) => {
      const schedule = client.schedule.getHandle(getScheduleId(policy));
      const states = async (): Promise<unknown[]> =>
        (
          await things
            .rows<{ status: string }>('select status from vacuum.run where ended_at is not null order by id')
            .catch(() => [])
        ).map((row) => row.status);
      const trigger = async (ends: number): Promise<unknown[]> => {
        await waitFor(
          'the last run to be over',
          async () => (await triggerSchedule(client, getScheduleId(policy))).started,
        );
        return waitFor('the next run', async () => {
          const found = await states();
          return found.length === ends ? found : undefined;
        });
      };
      await applySchedule(client, policy, { taskQueue });
      try {
        expect(await trigger(1)).toEqual(['completed']);
        expect(await trigger(2)).toEqual(['completed', 'completed']);
        // A tick that begins no run in between hides nothing.
        const byHand = await client.workflow.signalWithStart('vacuum', {
          taskQueue,
          workflowId: `by-hand-${taskQueue}`,
          args: [{ policy: policy.name }],
          signal: 'pause',
        });
        await waitFor('a run by hand to hold the lease', async () =>
          things.value<boolean>('select exists (select from vacuum.run where ended_at is null)'),
        );
        await triggerSchedule(client, getScheduleId(policy));
        await waitFor('the tick that finds it busy', async () => {
          const { recentActions, runningActions } = (await schedule.describe()).info;
          return recentActions.length === 3 && runningActions.length === 0;
        });
        await byHand.signal('stop');
        await byHand.result();
        // As a backup made between the two.
        await things.rows('delete from vacuum.run where id > 1');
        await things.rows(`select setval(pg_get_serial_sequence('vacuum.run', 'id'), 1)`);
        expect(await trigger(2)).toEqual(['completed', 'stopped-by-guard']);
        const { ledger, close } = await openVacuumed(things.url);
        expect((await acknowledge(ledger))[0]?.reasons[0]).toContain(
          'Temporal knows run 2 and the ledger ends with run 1',
        );
        await close();
        expect(await trigger(3)).toEqual(['completed', 'stopped-by-guard', 'completed']);
      } finally {
        await schedule.delete();
      }
    });
  });

  test('and tell the workflow, the ledger and Temporal the same', async () => {
    const taskQueue = session.queue();
    await session.withVacuum({ taskQueue, url: things.url, policies: [thingPolicy(most)] }, async () => {
      const handle = await session.start(taskQueue);
      const { message } = await findFailure(handle.result());
      const report = await fetchReport(things, handle.workflowId);
      expect(report).toMatchObject({ status: 'stopped-by-guard', rows: 0, deleted: {} });
      for (const reason of report.reasons) expect(message).toContain(reason);
      expect((await handle.describe()).status.name).toBe('FAILED');
    });
  });
});
