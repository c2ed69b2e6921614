import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';

import { applySchedule } from '../../worker/schedule.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { find, TCTL, TEMPORAL } from '../support/parts/bring.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

const execute = promisify(execFile);

describeNeeding(['temporal', 'tctl'], 'a run started from outside', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  let taskQueue: string;

  beforeEach(async () => {
    database = await createDatabase();
    taskQueue = session.queue();
    const rows = new PrefectRows(database);
    await rows.run({ logs: 3 });
    await rows.run({ logs: 3, ended: '1 day' });
  });
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const tctl = async (...args: string[]): Promise<string> =>
    (await execute(find(TCTL) ?? 'tctl', ['--address', session.address, ...args])).stdout;
  const temporal = async (...args: string[]): Promise<string> =>
    (await execute(find(TEMPORAL) ?? 'temporal', [...args, '--address', session.address])).stdout;

  async function withWorker<T>(work: () => Promise<T>): Promise<T> {
    const policies = [prefectPolicy()];
    return session.withVacuum({ taskQueue, url: database.url, policies }, work);
  }

  async function expectVacuumed(workflowId: string): Promise<void> {
    const client = await session.client();
    expect(await client.workflow.getHandle(workflowId).result()).toMatchObject({
      status: 'completed',
      rows: 6,
    });
    expect(await database.value('select count(*) from flow_run')).toBe(1);
  }

  test.each([
    ['without --input', []],
    ['with a policy', ['--input', '{"policy":"prefect"}']],
    ['with nothing', ['--input', '{}']],
    ['with null', ['--input', 'null']],
  ])('by tctl workflow start, %s', async (_, input) => {
    const workflowId = `by-hand-${taskQueue}`;
    await withWorker(async () => {
      const start = ['workflow', 'start', '--taskqueue', taskQueue, '--workflow_type', 'vacuum'];
      await tctl(...start, '--workflow_id', workflowId, ...input);
      await expectVacuumed(workflowId);
    });
  });

  test.each([
    ['without --input', []],
    ['with a policy', ['--input', '{"policy":"prefect"}']],
    ['with null', ['--input', 'null']],
  ])('by temporal workflow start, %s', async (_, input) => {
    const workflowId = `by-hand-${taskQueue}`;
    await withWorker(async () => {
      const start = ['workflow', 'start', '--task-queue', taskQueue, '--type', 'vacuum'];
      await temporal(...start, '--workflow-id', workflowId, ...input);
      await expectVacuumed(workflowId);
    });
  });

  test('by tctl, and its progress asked for and its signals sent by tctl', async () => {
    const workflowId = `by-hand-${taskQueue}`;
    const start = ['workflow', 'start', '--taskqueue', taskQueue, '--workflow_type', 'vacuum'];
    await tctl(...start, '--workflow_id', workflowId, '--input', '{"policy":"prefect"}');
    await tctl('workflow', 'signal', '-w', workflowId, '--name', 'pause', '--input', '"by tctl"');
    await withWorker(async () => {
      await waitFor('the pause to show', async () => {
        const answer = await tctl('workflow', 'query', '-w', workflowId, '--query_type', 'progress');
        return answer.includes('paused') && answer.includes('by tctl');
      });
      expect(await tctl('workflow', 'describe', '-w', workflowId)).toContain(workflowId);
      await tctl('workflow', 'signal', '-w', workflowId, '--name', 'resume');
      await expectVacuumed(workflowId);
    });
  });

  test('by tctl, and cancelled by tctl', async () => {
    const workflowId = `by-hand-${taskQueue}`;
    const start = ['workflow', 'start', '--taskqueue', taskQueue, '--workflow_type', 'vacuum'];
    await tctl(...start, '--workflow_id', workflowId);
    await tctl('workflow', 'signal', '-w', workflowId, '--name', 'pause');
    await withWorker(async () => {
      await waitFor('the run to be in the ledger', async () =>
        database.value('select count(*) > 0 from vacuum.run').catch(() => false),
      );
      await tctl('workflow', 'cancel', '-w', workflowId);
      const client = await session.client();
      await expect(client.workflow.getHandle(workflowId).result()).rejects.toThrow('cancelled');
      expect(await database.rows('select status from vacuum.run')).toEqual([{ status: 'cancelled' }]);
    });
  });

  test.each(['tctl', 'temporal'])('by the schedule, triggered by %s', async (program) => {
    const client = await session.client();
    const scheduleId = `vacuum-${taskQueue}`;
    await applySchedule(client, prefectPolicy(), { scheduleId, taskQueue });
    await withWorker(async () => {
      if (program === 'tctl') await tctl('schedule', 'trigger', '--schedule_id', scheduleId);
      else await temporal('schedule', 'trigger', '-s', scheduleId);
      const workflowId = await waitFor('the schedule to start a run', async () => {
        const { info } = await client.schedule.getHandle(scheduleId).describe();
        return info.recentActions[0]?.action.workflow.workflowId;
      });
      await expectVacuumed(workflowId);
    });
    await client.schedule.getHandle(scheduleId).delete();
  });

  test('with an input that nobody understands fails with one sentence that says it all, and deletes nothing', async () => {
    const workflowId = `by-hand-${taskQueue}`;
    await withWorker(async () => {
      const start = ['workflow', 'start', '--taskqueue', taskQueue, '--workflow_type', 'vacuum'];
      const input = '{"policy":"prefcet","passes":["x"],"retention":"1 minute","mode":"all"}';
      await tctl(...start, '--workflow_id', workflowId, '--input', input);
      const client = await session.client();
      const failure: unknown = await client.workflow
        .getHandle(workflowId)
        .result()
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ cause: { type: 'VacuumInvalidInput' } });
      const { message } = (failure as { cause: Error }).cause;
      for (const said of ['3 mistakes', '"prefcet"', '"retention"', 'mode']) expect(message).toContain(said);
      expect(await database.value('select count(*) from flow_run')).toBe(2);
    });
  });
});
