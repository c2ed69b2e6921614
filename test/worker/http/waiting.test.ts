import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { applySchedule, triggerSchedule } from '../../../worker/schedule.ts';
import { Watcher } from '../../support/http/watched-page.ts';
import { WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { closedWindow } from '../../support/windows.ts';

// No ledger has it: the page would say that no run is open, and the schedule that one is.
describeNeeding(['temporal', 'chromium'], 'a run that waits for its window before it begins', () => {
  const session = new TemporalSession();
  let shop: WatchedShop;
  let watcher: Watcher;
  beforeAll(async () => {
    watcher = await Watcher.open();
    shop = await WatchedShop.prepare(session);
  });
  afterAll(async () => {
    await watcher.close();
    await shop.close();
    await session.close();
  });

  test('is shown with its policy, and what it waits for', async () => {
    const window = closedWindow();
    const worker = await shop.serve('127.0.0.1:0', { TEST_WINDOW: window });
    const client = await session.client();
    const handle = client.schedule.getHandle(`vacuum-${shop.name}`);
    await applySchedule(client, shop.policy, { taskQueue: shop.taskQueue });
    await triggerSchedule(client, handle.scheduleId);

    const watched = await watcher.look(worker.url);
    const policies = watched.page.getByRole('table', { name: 'Policies of this worker' });
    await policies
      .getByText(
        new RegExp(`^active; a run waits to begin: limit window ${window} UTC reached: closed until 20`),
      )
      .waitFor();
    await watched.expectFits();
    await watched.expectAccessible();
    await watched.photograph('waiting');

    const [open] = (await handle.describe()).info.runningActions;
    const run = client.workflow.getHandle(open?.workflow.workflowId ?? '');
    await run.signal('pause', 'the backup runs');
    await policies.getByText('active; a run waits to begin: signal resume: the backup runs').waitFor();
    await run.signal('stop');
    expect(await run.result()).toMatchObject({ run: null, status: 'stopped' });
    await policies.getByRole('cell', { name: 'active', exact: true }).waitFor();
    watched.expectQuiet();
    await watched.close();
    await handle.delete();
  });
});
