import { afterAll, expect, test } from '@jest/globals';

import { describeNeeding } from '../support/needing.ts';
import { FreshPrefect } from '../support/prefect/fresh.ts';
import { TemporalSession } from '../support/temporal.ts';
import { Before, prefectPolicy, vacuum } from '../support/vacuum.ts';

// A row that owns far more than fits into the time of a batch: found by the guard of its statements, emptied in
// several transactions, and deleted last.
describeNeeding(['temporal'], 'a row with more than a batch may take', () => {
  const session = new TemporalSession();
  const fresh = FreshPrefect.forEach();
  afterAll(async () => session.close());

  test('goes in many transactions, beside small ones, each row counted once', async () => {
    for (let n = 0; n < 5; n += 1) await fresh.rows.run({ logs: 3, tasks: 1 });
    const oversized = await fresh.rows.run({ logs: 250_000, artifacts: ['a', 'b'] });
    await manyTasks(oversized.id, 5000);
    await fresh.rows.run({ logs: 20, ended: '10 days' });
    await fresh.database.rows('analyze');
    const before = await Before.of(fresh.database);
    const report = await vacuum(session, fresh.database, [
      prefectPolicy({ batchTarget: '10 ms', shards: 1 }),
    ]);
    await before.expectRightRows();
    await before.expectExactAccount(report);
    expect(report.deleted).toMatchObject({ flow_run: 6, log: 250_015, task_run: 5005 });
    const largest = await fresh.database.value('select max(rows) from vacuum.batch');
    // The whole family has 270,000 rows and more. How many fit into a batch is up to the machine.
    expect(largest).toBeLessThan(200_000);
  });

  async function manyTasks(run: string, count: number): Promise<void> {
    await fresh.database.rows(
      `insert into task_run (id, flow_run_id, name, task_key, dynamic_key, state_type)
       select gen_random_uuid(), $1, 'task', 'task', n::text, 'COMPLETED' from generate_series(1, $2::int) as n`,
      [run, count],
    );
    await fresh.database.rows(
      `insert into task_run_state (task_run_id, type, timestamp, name)
       select id, 'COMPLETED', now() - n * interval '1 second', 'state'
       from task_run cross join generate_series(1, 3) as n where flow_run_id = $1`,
      [run],
    );
  }
});
