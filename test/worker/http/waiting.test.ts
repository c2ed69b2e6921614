import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { applySchedule, triggerSchedule } from '../../../worker/schedule.ts';
import { Watcher } from '../../support/http/watched-page.ts';
import { WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { closedWindow } from '../../support/windows.ts';

// No ledger has it: the page would say that no run is open, and Temporal that one is.
describeNeeding(['temporal', 'chromium'], 'a run that waits before it begins', () => {
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

  test('for its window is shown with its policy, and until when in the time zone of the page', async () => {
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
        new RegExp(
          `^active; a run waits to begin: limit window ${window} UTC reached: closed until \\d+ \\w+ 20\\d\\d, \\d\\d:\\d\\d UTC$`,
        ),
      )
      .waitFor();
    await watched.expectFits();
    await watched.expectAccessible();
    await watched.photograph('waiting');
    const abroad = await watcher.look(worker.url, { timezoneId: 'Asia/Kathmandu' });
    await abroad.page.getByText(/closed until \d+ \w+ 20\d\d, \d\d:\d\d GMT\+5:45$/).waitFor();
    await abroad.close();

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
    await worker.end();
  });

  test('for another run is shown, though somebody started it by hand', async () => {
    await shop.add(300);
    const worker = await shop.serve();
    const first = await shop.pauseInTheMiddle('the backup runs');
    const second = await shop.start({ ifBusy: 'wait' });
    const watched = await watcher.look(worker.url);
    const policies = watched.page.getByRole('table', { name: 'Policies of this worker' });
    await policies
      .getByText(`Started by hand, a run waits to begin: run 1 of workflow ${first.workflowId} is open`)
      .waitFor();
    await watched.expectFits();
    await watched.photograph('waiting-by-hand');
    await second.signal('stop');
    await second.result();
    await policies.getByText('Started by hand').waitFor({ state: 'detached' });
    await first.signal('stop');
    await first.result();
    watched.expectQuiet();
    await watched.close();
  });
});
