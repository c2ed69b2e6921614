import { afterAll, expect, test } from '@jest/globals';

import { describeNeeding } from '../../support/needing.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { Before, prefectPolicy, vacuum } from '../../support/vacuum.ts';

// The cases of Prefect's own vacuum, each by its name; `Before` compares all rows of all tables with a plain model.
describeNeeding(['temporal'], "the cases of Prefect's own vacuum", () => {
  const session = new TemporalSession();
  const fresh = FreshPrefect.forEach();
  afterAll(async () => session.close());

  async function expectVacuumed(settings = {}, input = {}): Promise<Awaited<ReturnType<typeof vacuum>>> {
    const before = await Before.of(fresh.database);
    const report = await vacuum(session, fresh.database, [prefectPolicy(settings)], input);
    await before.expectRightRows();
    await before.expectExactAccount(report);
    return report;
  }

  test('age: runs past the retention go, runs within it stay', async () => {
    for (const ended of ['90 days 5 seconds', '89 days 23:59:00', '300 days', '1 hour']) {
      await fresh.rows.run({ ended, logs: 2, tasks: 1 });
    }
    const report = await expectVacuumed();
    expect(report.deleted['flow_run']).toBe(2);
  });

  test('terminal states only', async () => {
    const terminal = ['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED'];
    const living = ['SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING'];
    for (const state of [...terminal, ...living]) await fresh.rows.run({ state, logs: 1 });
    const report = await expectVacuumed();
    expect(report.deleted['flow_run']).toBe(terminal.length);
  });

  test('terminal runs without an end time stay', async () => {
    await fresh.rows.run({ ended: null, logs: 1 });
    const report = await expectVacuumed();
    expect(report.rows).toBe(0);
  });

  test('cascade to task runs, states and inputs', async () => {
    await fresh.rows.run({ tasks: 3, logs: 5, inputs: 2 });
    await fresh.rows.run({ ended: '10 days', tasks: 3, logs: 5, inputs: 2 });
    const report = await expectVacuumed();
    expect(report.deleted).toEqual({
      flow_run: 1,
      flow_run_state: 2,
      flow_run_input: 2,
      task_run: 3,
      task_run_state: 9,
      log: 5,
    });
  });

  test('subflows become top-level and are judged on their own age, level after level', async () => {
    const top = await fresh.rows.run({ tasks: 1, logs: 1 });
    const child = await fresh.rows.run({ parentTask: top.tasks[0] ?? '', tasks: 1, logs: 1 });
    const grandchild = await fresh.rows.run({ parentTask: child.tasks[0] ?? '', tasks: 1, logs: 1 });
    await fresh.rows.run({ parentTask: grandchild.tasks[0] ?? '', logs: 1 });
    const report = await expectVacuumed();
    expect(report.deleted['flow_run']).toBe(4);
  });

  test('a young subflow of an old run stays and becomes top-level; an old subflow of a living run stays', async () => {
    const old = await fresh.rows.run({ tasks: 2 });
    const young = await fresh.rows.run({ parentTask: old.tasks[0] ?? '', ended: '3 days' });
    const living = await fresh.rows.run({ state: 'RUNNING', ended: null, tasks: 1 });
    await fresh.rows.run({ parentTask: living.tasks[0] ?? '' });
    const report = await expectVacuumed();
    expect(report.deleted['flow_run']).toBe(1);
    const parent = await fresh.database.value<string | null>(
      'select parent_task_run_id from flow_run where id = $1',
      [young.id],
    );
    expect(parent).toBeNull();
  });

  test('a subflow of a background task run is nested for good', async () => {
    await fresh.rows.run({ parentTask: await fresh.rows.task(null) });
    const report = await expectVacuumed();
    expect(report.rows).toBe(0);
  });

  test('orphaned logs: those without a run go, after the grace period; those that never had one stay', async () => {
    const gone = '00000000-0000-4000-8000-00000000000a';
    await fresh.rows.logs(gone, 3, '2 days');
    await fresh.rows.logs(gone, 2, '23:59:00');
    await fresh.rows.logs(null, 4, '200 days');
    const { id } = await fresh.rows.run({ ended: '10 days' });
    await fresh.rows.logs(id, 5, '200 days');
    const report = await expectVacuumed();
    expect(report.deleted).toEqual({ log: 3 });
  });

  test('orphaned artifacts: those without a run go, after the grace period', async () => {
    const gone = '00000000-0000-4000-8000-00000000000b';
    await fresh.rows.artifact({ run: gone, age: '2 days' });
    await fresh.rows.artifact({ run: gone, age: '23:59:00' });
    await fresh.rows.artifact({ run: null });
    const report = await expectVacuumed();
    expect(report.deleted).toEqual({ artifact: 1 });
  });

  test('a stale collection with a survivor moves to the newest one, with all its copied columns', async () => {
    const { id } = await fresh.rows.run({ ended: '5 days' });
    await fresh.rows.artifact({ run: id, key: 'report', age: '9 days' });
    const newest = await fresh.rows.artifact({ run: id, key: 'report', age: '8 days', data: 'the newest' });
    const collection = await fresh.rows.collection('report');
    const report = await expectVacuumed();
    expect(report.deleted).toEqual({});
    expect(report.passes.find((pass) => pass.name === 'stale-artifact-collections')?.moved).toBe(1);
    const [moved] = await fresh.database.rows(
      `select c.latest_id, c.data, c.description, c.type, c.flow_run_id, c.created = a.created as created
       from artifact_collection as c join artifact as a on a.id = c.latest_id where c.id = $1`,
      [collection],
    );
    expect(moved).toEqual({
      latest_id: newest,
      data: 'the newest',
      description: 'the newest',
      type: 'markdown',
      flow_run_id: id,
      created: true,
    });
  });

  test('a stale collection without a survivor goes', async () => {
    await fresh.rows.collection('lost');
    const report = await expectVacuumed();
    expect(report.deleted).toEqual({ artifact_collection: 1 });
  });

  test('collections of artifacts that go with their run are repaired in the same transaction', async () => {
    const old = await fresh.rows.run({});
    const young = await fresh.rows.run({ ended: '5 days' });
    await fresh.rows.artifact({ run: young.id, key: 'both', age: '120 days' });
    await fresh.rows.collection('both', await fresh.rows.artifact({ run: old.id, key: 'both' }));
    await fresh.rows.collection('only', await fresh.rows.artifact({ run: old.id, key: 'only' }));
    const report = await expectVacuumed();
    expect(report.deleted['artifact_collection']).toBe(1);
    expect(report.passes.find((pass) => pass.name === 'old-flow-runs')?.moved).toBe(1);
  });

  test('several batches', async () => {
    for (let n = 0; n < 25; n += 1)
      await fresh.rows.run({ logs: 3, artifacts: [n % 2 === 0 ? 'shared' : null] });
    const report = await expectVacuumed({ batchSize: 4, shards: 1 });
    const pass = report.passes.find(({ name }) => name === 'old-flow-runs');
    expect(pass?.batches).toBeGreaterThanOrEqual(7);
    const most = await fresh.database.value(
      `select max((deleted ->> 'flow_run')::int) from vacuum.batch where run_id = $1`,
      [report.run],
    );
    expect(most).toBeLessThanOrEqual(4);
  });

  test('nothing to do', async () => {
    await fresh.rows.run({ ended: '2 days', logs: 3 });
    const report = await expectVacuumed();
    expect(report.status).toBe('completed');
    expect(report.rows).toBe(0);
  });

  test('disabled: a run ends at once and deletes nothing', async () => {
    await fresh.rows.run({ logs: 3 });
    const taskQueue = session.queue();
    const policies = [prefectPolicy({ enabled: false })];
    const report = await session.withVacuum({ taskQueue, url: fresh.database.url, policies }, async () => {
      const handle = await session.start(taskQueue);
      return handle.result();
    });
    expect(report).toMatchObject({ status: 'disabled', run: null, rows: 0 });
    expect(await fresh.database.value('select count(*) from flow_run')).toBe(1);
    expect(await fresh.database.value('select count(*) from log')).toBe(3);
  });

  test('orphans alone leave flow runs as they are', async () => {
    await fresh.rows.run({ logs: 3 });
    await fresh.rows.logs('00000000-0000-4000-8000-00000000000c', 2, '2 days');
    const before = await Before.of(fresh.database, { passes: ['orphaned-logs'] });
    const report = await vacuum(session, fresh.database, [prefectPolicy({ enabled: 'orphans' })]);
    await before.expectRightRows();
    expect(report.deleted).toEqual({ log: 2 });
  });
});
