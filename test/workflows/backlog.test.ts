import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { RunReport } from '../../activities/contract.ts';
import { readStats } from '../../activities/inspect/stats.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import type { PassBacklog } from '../../activities/stored/backlog.ts';
import type { LimitOptions } from '../../policy/limits.ts';
import type { Pass } from '../../policy/pass.ts';
import type { Policy } from '../../policy/policy.ts';
import { definePolicy } from '../../policy/policy.ts';
import { cli } from '../support/cli.ts';
import type { TestDatabase } from '../support/database.ts';
import { createItems, expiring, Item, Owner } from '../support/items.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { waitFor } from '../support/wait.ts';

describeNeeding(['temporal'], 'the backlog of a run', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createItems();
    await database.rows('create index on item (at)');
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  let last = 0;
  const add = async (rows: number, age = '2 days'): Promise<void> => {
    await database.rows(
      `insert into item select n, null, 'done', now() - $3::interval from generate_series($1::int, $2::int) as n`,
      [last + 1, last + rows, age],
    );
    last += rows;
  };
  const policyWith = (limits: LimitOptions, pass: Pass = expiring()): Policy =>
    definePolicy({
      name: 'p',
      enabled: true,
      entities: [Item, Owner],
      passes: [pass],
      limits: { maxPercent: 100, allowNewest: true, ...limits },
    });
  const run = async (policy: Policy): Promise<RunReport & { backlog: PassBacklog }> => {
    const taskQueue = session.queue();
    const report = await session.withVacuum({ taskQueue, url: database.url, policies: [policy] }, async () =>
      (await session.start(taskQueue)).result(),
    );
    const backlog = (report as RunReport).passes[0]?.backlog;
    if (backlog === null || backlog === undefined) throw new Error('the run has no backlog');
    return { ...(report as RunReport), backlog };
  };
  const hoursPass = async (hours: number): Promise<unknown> =>
    database.rows(
      `update vacuum.run set ended_at = ended_at - $1 * interval '1 hour', started_at = started_at - $1 * interval '1 hour'`,
      [hours],
    );

  test('grows where runs may do less than expires: a warning, a pace, and no failure', async () => {
    await add(2000);
    const some = policyWith({ maxRows: 500 });
    const first = await run(some);
    expect(first).toMatchObject({ status: 'stopped', rows: 500, notes: [] });
    expect(first.backlog.before).toMatchObject({ rows: 2000, error: 0, atLeast: false });
    expect(first.backlog.before?.oldestSeconds).toBeCloseTo(2 * 86_400, -2);
    expect(first.backlog).toMatchObject({ after: { rows: 1500 }, keepsUp: null, removedPerDay: null });

    await hoursPass(12);
    await add(1000);
    const second = await run(some);
    expect(second.status).toBe('stopped');
    expect(second.reasons.join()).not.toContain('warning');
    expect(second.notes).toEqual([
      expect.stringMatching(
        /^warning: pass old does not keep up: 2,000 rows past their time and still there, 1,500 rows after run 1\. /,
      ),
    ]);
    expect(second.backlog).toMatchObject({ before: { rows: 2500 }, after: { rows: 2000 }, keepsUp: false });
    // 1,000 came and 500 went in half a day and the seconds that the test took.
    expect(second.backlog.expiringPerDay).toBeGreaterThan(1980);
    expect(second.backlog.expiringPerDay).toBeLessThanOrEqual(2000);
    expect(second.backlog.removedPerDay).toBeGreaterThan(990);
    expect(second.backlog.removedPerDay).toBeLessThanOrEqual(1000);
    expect(JSON.stringify(second)).not.toContain('item');

    await hoursPass(6);
    await add(40);
    const third = await run(policyWith({}));
    expect(third).toMatchObject({ status: 'completed', rows: 2040, notes: [] });
    // Over the last day, so since the end of the first run, 18 hours ago: 1,040 came and 2,540 went.
    expect(third.backlog).toMatchObject({
      before: { rows: 2040 },
      after: { rows: 0, error: 0, oldestSeconds: null, atLeast: false },
      keepsUp: true,
    });
    expect(Math.abs((third.backlog.expiringPerDay ?? 0) - 1387)).toBeLessThan(15);
    expect(Math.abs((third.backlog.removedPerDay ?? 0) - 3387)).toBeLessThan(35);

    await hoursPass(30);
    const fourth = await run(policyWith({}));
    // Nothing in the last day: since the run before.
    expect(fourth.backlog).toMatchObject({ expiringPerDay: 0, removedPerDay: 0, keepsUp: true });

    await add(4);
    const opened = await openDatabase(database.url);
    const { backlog } = await readStats(opened, some, false);
    await opened.close();
    const { before: _before, after: left, ...pace } = fourth.backlog;
    expect(backlog).toMatchObject([{ pass: 'old', now: { rows: 4 }, last: { run: 4, left, ...pace } }]);
    const { stdout } = await cli(['history', '2', '--details', '--url', database.url], {
      env: { NO_COLOR: '1' },
    });
    expect(stdout).toContain('  warning: pass old does not keep up: 2,000 rows');
    expect(stdout).toMatch(/pass +past their time before +after +oldest\n *old +2,500 +2,000 +2 days\n/);
    expect(stdout).toMatch(
      /pass +expiring a day +removed a day +keeps up\n *old +[\d,]+ +[\d,]+ +no, 2 days behind\n/,
    );
  });

  /** Runs a policy that is paused before its first batch while something happens, and returns what came of it. */
  async function whilePaused(
    policy: Policy,
    signal: 'resume' | 'stop',
    work: () => Promise<void>,
  ): Promise<RunReport> {
    const taskQueue = session.queue();
    const { workflow } = await session.client();
    return session.withVacuum({ taskQueue, url: database.url, policies: [policy] }, async () => {
      const handle = await workflow.signalWithStart('vacuum', {
        workflowId: taskQueue,
        taskQueue,
        signal: 'pause',
      });
      await waitFor(
        'the begin of the run',
        async () => (await handle.query<{ state: string }>('progress')).state === 'paused',
      );
      await work();
      await handle.signal(signal);
      return (await handle.result()) as RunReport;
    });
  }

  test('remains if a limit stops each night: the vacuum keeps up, and says how many days of work wait', async () => {
    await add(2_000);
    const some = policyWith({ maxRows: 500 });
    await run(some);
    await hoursPass(24);
    await add(490);
    const second = await run(some);
    expect(second).toMatchObject({ status: 'stopped', notes: [] });
    expect(second.backlog).toMatchObject({ after: { rows: 1490 }, keepsUp: true });
    const env = { NO_COLOR: '1' };
    for (const args of [
      ['history', '2'],
      ['history', '2', '--details'],
    ]) {
      const { stdout } = await cli([...args, '--url', database.url], { env });
      expect(stdout).toMatch(/ keeps up\n *old .* yes, 3 days behind\n/);
    }
  });

  test('grows too slowly to be seen from run to run: a warning within the day', async () => {
    const some = policyWith({ maxRows: 10 });
    const warned: boolean[] = [];
    for (let n = 1; n <= 3; n += 1) {
      await add(18);
      const { notes } = await run(some);
      warned.push(
        notes.some(
          (note) => note.includes('does not keep up: 24 rows') && note.includes('8 rows after run 1'),
        ),
      );
      await hoursPass(1);
    }
    expect(warned).toEqual([false, false, true]);
  });

  test('has what expired while the run was at work, which the next one takes', async () => {
    await add(3);
    const policy = policyWith({});
    const report = await whilePaused(policy, 'resume', async () => {
      await add(5, '1 day -1 seconds');
      await add(7, '23 hours');
      await waitFor(
        'five more rows to expire',
        async () =>
          (await database.value(`select count(*) from item where at < now() - interval '1 day'`)) === 8,
      );
    });
    expect(report.rows).toBe(3);
    expect(report.passes[0]?.backlog).toMatchObject({ before: { rows: 3 }, after: { rows: 5 } });
    // A run starts at the instant that its horizons are counted from, however long guards take until it is written down.
    const between = `select r.started_at - p.horizon from vacuum.run as r join vacuum.pass as p on p.run_id = r.id`;
    expect(await database.value(`select date_trunc('millisecond', (${between})) = interval '1 day'`)).toBe(
      true,
    );
    expect((await run(policy)).rows).toBe(5);
  });

  test('has no rows that the pass keeps', async () => {
    await add(30);
    await database.rows(`insert into owner values (1, 'a'); update item set owner_id = 1`);
    const keeping = policyWith({}, expiring({ keepLast: { count: 20, per: ['ownerId'] } }));
    const { rows, backlog } = await run(keeping);
    expect(rows).toBe(10);
    expect(backlog).toMatchObject({ before: { rows: 10 }, after: { rows: 0, oldestSeconds: null } });
  });

  test('that cannot be looked at is said among the notes, and fails nothing', async () => {
    await add(10);
    const holder = await database.pool.connect();
    const report = await whilePaused(policyWith({}), 'stop', async () => {
      await holder.query('begin; lock table item in access exclusive mode');
    });
    await holder.query('rollback');
    holder.release();
    expect(report).toMatchObject({ status: 'stopped', reasons: [] });
    expect(report.passes[0]?.backlog).toMatchObject({ before: { rows: 10 }, after: null, keepsUp: null });
    expect(report.notes).toContain(
      'the backlog of pass old at the end of the run is not known: another session holds a lock',
    );
  });
});
