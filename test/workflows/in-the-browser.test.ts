import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import type { DevServer } from '../../worker/dev-server.ts';
import { startDevServer } from '../../worker/dev-server.ts';
import { applySchedule } from '../../worker/schedule.ts';
import type { RunProgress } from '../../workflows/progress.ts';
import { KilledRun } from '../support/killed-run.ts';
import { describeNeeding } from '../support/needing.ts';
import { TemporalUi } from '../support/temporal-ui.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy, fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';

// Slow enough to be caught in the middle, by hands that click.
const SLOW = { batchSize: 10, shards: 1, batchPause: '150 ms' };

// `npm run docs:screenshots` writes the pictures of the docs anew.
describeNeeding(['temporal', 'chromium'], 'in the Temporal UI', () => {
  let server: DevServer;
  let session: TemporalSession;
  let ui: TemporalUi;
  let run: KilledRun;

  beforeAll(async () => {
    server = await startDevServer({ ui: true });
    session = new TemporalSession(server.address);
    ui = await TemporalUi.open(server.uiUrl ?? '');
  });
  afterAll(async () => {
    await ui.close();
    await session.close();
    await server.stop();
  });

  afterEach(async () => ui.lookAway());

  async function withWorker(settings: object, work: () => Promise<void>, queue?: string): Promise<void> {
    run = await KilledRun.prepare(session, undefined, 700);
    const policies = [prefectPolicy(settings)];
    const taskQueue = queue ?? run.taskQueue;
    await session.withVacuum({ taskQueue, url: run.database.url, policies }, work);
    await run.expectNothingLeft();
    await run.drop();
  }

  const goToRun = async (tab: string): Promise<void> =>
    ui.goToWorkflow(run.handle.workflowId, run.handle.firstExecutionRunId, tab);

  const batches = async (): Promise<number> => run.database.value('select count(*) from vacuum.batch');

  const untilState = async (state: RunProgress['state']): Promise<RunProgress> =>
    waitFor(`the run to be ${state}`, async () => {
      const progress = await run.handle.query<RunProgress>('progress');
      return progress.state === state ? progress : undefined;
    });

  test('a schedule is paused and resumed, and applying it keeps the pause with its note', async () => {
    const client = await session.client();
    const target = { scheduleId: 'vacuum-prefect', taskQueue: 'nobody' };
    await applySchedule(client, prefectPolicy(), target);
    const handle = client.schedule.getHandle(target.scheduleId);
    const button = ui.page.locator('#schedule-actions-primary-button');
    const decide = async (reason: string): Promise<void> => {
      await button.click();
      await ui.dialog.locator('#pause-reason').fill(reason);
    };
    await ui.go('schedules/vacuum-prefect');
    await decide('the database moves tonight');
    await ui.picture('schedule-pause', ui.dialog);
    await ui.confirm();
    const paused = { paused: true, note: 'the database moves tonight' };
    await waitFor('the pause', async () => (await handle.describe()).state.paused);
    expect(await applySchedule(client, prefectPolicy({ loopSeconds: 600 }), target)).toBe('updated');
    expect((await handle.describe()).state).toMatchObject(paused);
    await ui.go('schedules/vacuum-prefect');
    await decide('moved');
    await ui.confirm();
    await waitFor('the end of the pause', async () => !(await handle.describe()).state.paused);
    expect((await handle.describe()).state.note).toBe('moved');
    await handle.delete();
  });

  test('a run is paused and resumed by signals, and its details tell how it stands', async () => {
    await withWorker(SLOW, async () => {
      await run.start('vacuum-prefect-nightly');
      await waitFor('an ETA', async () => {
        const { passes } = await run.handle.query<RunProgress>('progress');
        return passes.some(({ etaSeconds }) => etaSeconds !== null);
      });
      await goToRun('timeline');
      await ui.sendSignal('pause', '"the backup runs"');
      await ui.picture('signal-pause', ui.dialog);
      await ui.confirm();
      const { reason } = await untilState('paused');
      expect(reason).toBe('the backup runs');
      await waitFor('the slices to end', async () => {
        const { raw } = await run.handle.describe();
        return (raw.pendingActivities ?? []).length === 0;
      });
      const frozen = await run.frozen();
      const before = await batches();
      await goToRun('user-metadata');
      const details = ui.page.frameLocator('iframe').last();
      await details.getByText('the backup runs').waitFor();
      await ui.picture('details', ui.page.locator('iframe').last());
      const text = await details.locator('body').innerText();
      for (const said of ['prefect: paused', 'orphaned-logs', '%', 'signal resume']) {
        expect(text).toContain(said);
      }
      expect(await batches()).toBe(before);
      await goToRun('timeline');
      await ui.sendSignal('resume');
      await ui.confirm();
      await waitFor(
        'the run to go on',
        async () => (await run.handle.query<RunProgress>('progress')).state !== 'paused',
      );
      await ui.lookAway();
      await run.expectWhole(frozen);
    });
  });

  test('a run is stopped by a signal, and the next one may begin', async () => {
    await withWorker(SLOW, async () => {
      await run.start('vacuum-prefect-stopped');
      await run.untilSlices(3);
      await goToRun('timeline');
      await ui.sendSignal('stop', '"enough for today"');
      await ui.confirm();
      expect(await run.handle.result()).toMatchObject({
        status: 'stopped',
        reasons: ['stopped: enough for today'],
      });
      const report = await fetchReport(run.database, run.handle.workflowId);
      expect(report).toMatchObject({ status: 'stopped', deleted: await run.gone() });
      // The lease is free: the next run is not skipped.
      const next = await session.start(run.taskQueue, { maxRows: 10 });
      expect(await next.result()).toMatchObject({ status: 'stopped', rows: 10 });
    });
  });

  test('an activity is paused and goes on from its cursor after unpause', async () => {
    await withWorker(SLOW, async () => {
      await run.start('vacuum-prefect-activity');
      await run.untilSlices(3);
      await goToRun('pending-activities');
      const main = ui.page.locator('main');
      await main.getByRole('button', { name: 'Pause', exact: true }).click();
      await ui.dialog.locator('#activity-pause-reason').fill('looking at the locks');
      await ui.confirm();
      const paused = await waitFor('the slice to end', async () => {
        const { raw } = await run.handle.describe();
        return raw.pendingActivities?.find(
          (activity) => activity.paused === true && (activity.attempt ?? 0) > 1,
        );
      });
      expect(paused.activityType?.name).toBe('vacuum.runSlice');
      const frozen = await run.frozen();
      await goToRun('pending-activities');
      await main.getByRole('button', { name: 'Unpause', exact: true }).click();
      await ui.confirm();
      await waitFor('the slice to go on', async () => {
        const { raw } = await run.handle.describe();
        return !(raw.pendingActivities ?? []).some((activity) => activity.paused === true);
      });
      await ui.lookAway();
      await run.expectWhole(frozen);
    });
  });

  test('a run is started by the form', async () => {
    const start = async (): Promise<void> => {
      await ui.go('workflows/start-workflow');
      const fields = { workflowId: 'vacuum-by-form', taskQueue: 'vacuum', workflowType: 'vacuum' };
      for (const [id, value] of Object.entries(fields)) await ui.page.locator(`#${id}`).fill(value);
      await ui.page.locator('main .cm-content').first().click();
      await ui.page.keyboard.insertText('{"policy":"prefect","passes":["orphaned-logs"]}');
      // The input is formatted when it is left, and the button moves.
      await ui.page.getByTestId('start-workflow').click();
      await ui.page.locator('.cm-line').nth(2).waitFor();
      await ui.picture('start-form', ui.page.getByTestId('start-workflow').locator('..'));
      await ui.page.getByTestId('start-workflow-button').click();
      const client = await session.client();
      const handle = client.workflow.getHandle('vacuum-by-form');
      await waitFor('the run to be started', async () => handle.describe().catch(() => undefined));
      expect(await handle.result()).toMatchObject({
        status: 'completed',
        passes: [{ name: 'orphaned-logs' }],
      });
    };
    await withWorker({}, start, 'vacuum');
  });
});
