import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import type { Policy } from '../../policy/policy.ts';
import { KilledRun, MANY_BATCHES } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';
import { Before, prefectPolicy, fetchReport } from '../support/vacuum.ts';

// Slow enough to be caught in the middle.
const SLOW = { ...MANY_BATCHES, batchPause: '30 ms' };

describeNeeding(['temporal'], 'another policy deployed in the middle of a run', () => {
  const session = new TemporalSession();
  let run: KilledRun;

  beforeEach(async () => {
    run = await KilledRun.prepare(session);
  });
  afterEach(async () => run.drop());
  afterAll(async () => session.close());

  async function withPolicy<T>(policy: Policy, work: () => Promise<T>): Promise<T> {
    const { taskQueue, database } = run;
    return session.withVacuum({ taskQueue, url: database.url, policies: [policy] }, work);
  }

  /** Begins a run, and lets a worker with other settings take it up; returns what the next run comes to. */
  async function deploy(settings: object): Promise<{ result: unknown; before: Before; next: string }> {
    await withPolicy(prefectPolicy(SLOW), async () => {
      await run.start();
      await run.untilBatches(5);
    });
    const frozen = await run.frozen();
    return withPolicy(prefectPolicy({ ...MANY_BATCHES, ...settings }), async () => {
      await run.expectWhole(frozen);
      const horizon = await run.database.value<string>(`select now() - interval '10 days'`);
      const before = await Before.of(run.database, { horizon });
      const next = await session.start(run.taskQueue);
      return { result: await next.result(), before, next: next.workflowId };
    });
  }

  test('a shorter retention and larger batches: the run goes on as it was begun', async () => {
    const { before, next } = await deploy({ retentionPeriod: '10 days', batchSize: 500 });
    const report = await fetchReport(run.database, next);
    expect(report.rows).toBeGreaterThan(0);
    await before.expectExactAccount(report);
    await before.expectRightRows();
  });

  test('a pass less: the run still has it, the next one does not', async () => {
    const { result } = await deploy({ enabled: 'orphans' });
    expect(result).toMatchObject({ status: 'completed', rows: 0 });
    expect((result as { passes: unknown[] }).passes).toHaveLength(6);
  });

  test('nothing enabled: the run ends its work, the next one does none', async () => {
    const { result } = await deploy({ enabled: false });
    expect(result).toMatchObject({ status: 'disabled', rows: 0 });
  });

  test('a trigger that keeps no row comes meanwhile: the run goes on', async () => {
    await withPolicy(prefectPolicy(SLOW), async () => {
      await run.start();
      await run.untilBatches(5);
      await run.database.rows(`
        create function let_go() returns trigger language plpgsql as 'begin return old; end';
        create trigger let_go before delete on log for each row execute function let_go();
        create trigger let_go before delete on flow_run for each row execute function let_go();
        create trigger let_go before delete on task_run for each row execute function let_go()`);
      expect(await run.handle.result()).toMatchObject({ status: 'completed' });
      await run.expectWhole();
    });
  });
});
