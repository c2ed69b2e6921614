import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import type { VacuumInput } from '../../activities/contract.ts';
import type { Policy } from '../../policy/policy.ts';
import { progressQuery } from '../../workflows/messages.ts';
import type { RunProgress } from '../../workflows/progress.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { makeThings, oldThings, thingPolicy } from '../support/guarded.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalSession } from '../support/temporal.ts';

describeNeeding(['temporal'], 'a run that ended says so to query and UI', () => {
  const session = new TemporalSession();
  let things: TestDatabase;

  beforeEach(async () => {
    things = await createDatabase(await makeThings());
  });
  afterEach(async () => things.drop());
  afterAll(async () => session.close());

  /** What the query and the details in the Temporal UI say of a run that has ended. */
  async function endAndAsk(
    policy: Policy,
    { input, steer }: { input?: VacuumInput; steer?: (handle: WorkflowHandle) => Promise<unknown> } = {},
  ): Promise<{ progress: RunProgress; details: string }> {
    const taskQueue = session.queue();
    return session.withVacuum({ taskQueue, url: things.url, policies: [policy] }, async () => {
      const handle = await session.start(taskQueue, input);
      await steer?.(handle);
      await handle.result().catch(() => undefined);
      return {
        progress: await handle.query(progressQuery),
        details: JSON.stringify(await handle.query('__temporal_workflow_metadata')),
      };
    });
  }

  test('by a guard, with the number that the ledger has', async () => {
    const policy = thingPolicy({ passes: [oldThings()], limits: { maxPercent: 1 } });
    const { progress, details } = await endAndAsk(policy);
    const [run] = await things.rows<{ id: number; status: string }>('select id, status from vacuum.run');
    expect(run?.status).toBe('stopped-by-guard');
    expect(progress).toMatchObject({ run: run?.id, state: 'stopped-by-guard' });
    expect(details).toContain('stopped-by-guard');
  });

  test('because the policy is not enabled', async () => {
    const policy = thingPolicy({ passes: [oldThings()], enabled: false });
    expect((await endAndAsk(policy)).progress).toMatchObject({ run: null, state: 'disabled' });
  });

  test('after counting', async () => {
    const policy = thingPolicy({ passes: [oldThings()] });
    const { progress } = await endAndAsk(policy, { input: { mode: 'preview' } });
    expect(progress).toMatchObject({ run: 1, state: 'completed' });
  });

  test('before it began, for what a person got wrong', async () => {
    const policy = thingPolicy({ passes: [oldThings()] });
    const { progress } = await endAndAsk(policy, { input: { passes: ['misspelt'] } });
    expect(progress).toMatchObject({ run: null, state: 'failed' });
  });

  test('because it was cancelled', async () => {
    const policy = thingPolicy({ passes: [oldThings()] });
    const { progress } = await endAndAsk(policy, { steer: async (handle) => handle.cancel() });
    expect(progress.state).toBe('cancelled');
  });
});
