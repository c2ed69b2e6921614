import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { z } from 'zod';

import type { RunReport } from '../../../activities/contract.ts';
import type { Signalled, Workers } from '../../../worker/http/response-schemas.ts';
import { resumeSignal } from '../../../workflows/messages.ts';
import type { RunProgress } from '../../../workflows/progress.ts';
import type { ApiResponse } from '../../support/http/described-api.ts';
import { DescribedApi } from '../../support/http/described-api.ts';
import { Watcher } from '../../support/http/watched-page.ts';
import { WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

const TOKEN = 'a-token-of-forty-characters-or-a-bit-more';
/** Enough for all runs, each of which is stopped after a few batches, and too few for a guard. */
const ROWS = 900;
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

describeNeeding(['temporal', 'chromium'], 'pause, resume and stop over HTTP', () => {
  const session = new TemporalSession();
  let shop: WatchedShop;
  let worker: WorkerProcess;
  let api: DescribedApi;
  let watcher: Watcher;

  beforeAll(async () => {
    watcher = await Watcher.open();
    shop = await WatchedShop.prepare(session);
    worker = await shop.serve('127.0.0.1:0', { VACUUM_HTTP_TOKEN: TOKEN });
    api = await DescribedApi.at(worker.url, AUTHORIZED);
  });
  afterAll(async () => {
    await watcher.close();
    await shop.close();
    await session.close();
  });

  const send = async (
    signal: string,
    body: unknown = {},
    { policy = shop.name, headers = {} }: { policy?: string; headers?: Record<string, string> } = {},
  ): Promise<ApiResponse<z.infer<typeof Signalled> & { error: string }>> =>
    api.ask(`/api/policies/${policy}/${signal}`, {
      method: 'POST',
      headers: { ...AUTHORIZED, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const readState = async (run: WorkflowHandle): Promise<Pick<RunProgress, 'state' | 'reason'>> => {
    const { state, reason } = await run.query<RunProgress>('progress');
    return { state, reason };
  };
  /** With those that earlier runs left there are enough rows, and too few for a guard. */
  const fillUp = async (): Promise<void> =>
    shop.add(ROWS - (await shop.database.value('select count(*)::int from audit_log')));
  const countSignals = async (run: WorkflowHandle): Promise<number> => {
    const { events = [] } = await run.fetchHistory();
    return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
  };

  test('need a token even where reading needs none', async () => {
    await shop.add(ROWS);
    const run = await shop.pauseInTheMiddle('rest');
    const signals = await countSignals(run);
    const open = await shop.serve();
    const readonly = await DescribedApi.at(open.url);
    expect(await readonly.get<z.infer<typeof Workers>>('/api/system/workers')).toMatchObject({
      canSteer: false,
    });
    for (const headers of [{}, AUTHORIZED]) {
      const answer = await readonly.ask<{ error: string }>(`/api/policies/${shop.name}/stop`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{}',
      });
      expect(answer).toEqual({
        status: 403,
        body: { error: expect.stringContaining('set VACUUM_HTTP_TOKEN and start the worker again') },
      });
    }
    await open.end();
    for (const authorization of ['', 'Bearer', `Bearer ${TOKEN}x`]) {
      expect((await send('stop', {}, { headers: { authorization } })).status).toBe(401);
    }
    expect(await countSignals(run)).toBe(signals);
    await run.signal('stop');
    await run.result();
  });

  test('refuse what is no signal, no policy of the worker, no JSON, of a foreign page or by a foreign name', async () => {
    expect(await send('pause', {}, { policy: 'nobody' })).toEqual({
      status: 404,
      body: { error: `this worker has no policy nobody; it has ${shop.name}, ${shop.name}-idle` },
    });
    expect((await send('terminate')).status).toBe(400);
    expect((await send('pause', { reason: 'x'.repeat(201) })).status).toBe(400);
    expect((await send('pause', [])).status).toBe(400);
    expect((await send('pause', {}, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    const url = `${worker.url}/api/policies/${shop.name}/pause`;
    const plain = { ...AUTHORIZED, 'content-type': 'text/plain' };
    expect((await fetch(url, { method: 'POST', headers: plain, body: '{}' })).status).toBe(400);
    expect((await fetch(url, { headers: AUTHORIZED })).status).toBe(404);
  });

  test('say that no run is open, and what to do instead', async () => {
    for (const signal of ['pause', 'resume', 'stop']) {
      const { status, body } = await send(signal);
      expect(status).toBe(409);
      expect(body.error).toContain(`there is nothing to ${signal}: no run of policy ${shop.name} is open`);
      expect(body.error).toContain('temporal-vacuum schedule ');
    }
  });

  test('reach the open run and nobody else, and the ledger agrees with the rows that are gone', async () => {
    const countRows = async (): Promise<number> => shop.database.value('select count(*)::int from audit_log');
    const before = await countRows();
    const run = await shop.pauseInTheMiddle('the backup runs');
    const other = await session.start(session.queue());
    expect((await send('stop', { workflowId: other.workflowId })).status).toBe(409);
    expect(await countSignals(other)).toBe(0);
    await other.terminate();

    expect(await send('resume', { reason: 'not for resume' })).toEqual({
      status: 200,
      body: {
        policy: shop.name,
        signal: 'resume',
        workflows: [{ workflowId: run.workflowId, run: expect.any(Number), state: 'running' }],
      },
    });
    // The first batches may only find the pages that runs before have emptied.
    await waitFor('rows to go', async () => (await countRows()) < before);
    expect((await send('pause', { reason: 'on call' })).body.workflows).toMatchObject([{ state: 'paused' }]);
    expect(await readState(run)).toEqual({ state: 'paused', reason: 'on call' });
    expect((await send('stop', { reason: 'enough', workflowId: run.workflowId })).status).toBe(200);
    const report = (await run.result()) as RunReport;
    expect(report).toMatchObject({ status: 'stopped', reasons: ['stopped: enough'] });
    expect(report.rows).toBeGreaterThan(0);
    expect(before - (await countRows())).toBe(report.rows);
  });

  test('have buttons on the page, which ask before they stop anything', async () => {
    const run = await shop.pauseInTheMiddle('the backup runs');
    for (const colorScheme of ['light', 'dark'] as const) {
      const watched = await watcher.look(worker.url, { token: TOKEN, colorScheme, width: 360 });
      const { page } = watched;
      await page.getByRole('button', { name: 'Stop run' }).click();
      const dialog = page.getByRole('dialog', { name: /^Stop run \d+ of shop-/ });
      await dialog.getByText('The next run continues with the rest.').waitFor();
      await watched.expectAccessible();
      await watched.expectFits();
      if (colorScheme === 'light') await watched.photograph('dialog-stop');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      watched.expectQuiet(/status of 401/);
      await watched.close();
    }
    expect(await readState(run)).toEqual({ state: 'paused', reason: 'the backup runs' });

    const watched = await watcher.look(worker.url, { token: TOKEN });
    const { page } = watched;
    const result = page.locator('#signal-result');
    await page.getByRole('button', { name: 'Resume run' }).click();
    await result.getByText(/^Now run \d+ of .* is running$/).waitFor();
    expect((await readState(run)).state).toBe('running');
    await page.getByRole('button', { name: 'Pause run' }).click();
    await page.getByLabel('Reason').fill('a look at the locks');
    await watched.photograph('dialog-pause');
    await page.keyboard.press('Enter');
    await result.getByText(/^Now run \d+ of .* is paused$/).waitFor();
    expect(await readState(run)).toEqual({ state: 'paused', reason: 'a look at the locks' });
    await page.getByRole('article').getByText('a look at the locks').waitFor();
    await page.getByRole('cell', { name: 'paused', exact: true }).waitFor();
    await page.locator('#history tbody a').first().click();
    await page.getByText(/, paused; began .* \d+ s so far; /).waitFor();
    await page.getByText(/^2 passes have not begun$/).waitFor();
    await watched.expectAccessible();
    await watched.photograph('paused');
    await page.getByRole('button', { name: 'Stop run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect((await readState(run)).state).toBe('paused');
    await page.getByRole('button', { name: 'Stop run' }).click();
    await page.getByLabel('Reason').fill('enough for today');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
    expect(await run.result()).toMatchObject({ status: 'stopped', reasons: ['stopped: enough for today'] });
    await page.getByText(/^The last run of .* was stopped .*: stopped: enough for today$/).waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
    watched.expectQuiet(/status of 401/);
    await watched.close();
  });

  test('have no buttons at a worker without the policy of the run, although it has a token', async () => {
    await fillUp();
    const run = await shop.pauseInTheMiddle('the backup runs');
    const env = { VACUUM_HTTP_TOKEN: TOKEN, TEST_POLICY: 'another' };
    // On a task queue of its own: it could not work on this run.
    const other = await shop.serve('127.0.0.1:0', env, { taskQueue: session.queue() });
    const countButtons = async (url: string): Promise<number> => {
      const watched = await watcher.look(url, { token: TOKEN });
      const article = watched.page.getByRole('article', { name: /^Run \d+ of shop-/ });
      await article
        .getByText(
          url === other.url ? /^the backup runs\. This worker does not have policy shop-/ : 'the backup runs',
        )
        .waitFor();
      await watched.page.getByText('A pause or stop takes effect after the current batch.').waitFor();
      await watched.photograph(url === other.url ? 'not-of-this-worker' : 'of-this-worker');
      const count = await article.getByRole('button').count();
      await watched.close();
      return count;
    };
    expect(await countButtons(worker.url)).toBe(2);
    expect(await countButtons(other.url)).toBe(0);
    await other.end();
    await run.signal('stop');
    await run.result();
  });

  test('give the reason of the page that the server gives if a run has ended meanwhile', async () => {
    const run = await shop.pauseInTheMiddle('to be ended');
    const watched = await watcher.look(worker.url, { token: TOKEN });
    const { page } = watched;
    await page.getByRole('button', { name: 'Stop run' }).click();
    await run.signal('stop');
    await run.signal(resumeSignal);
    await run.result();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
    await page
      .locator('#signal-result')
      .getByText(/^The signal stop failed: there is nothing to stop: no run of policy/)
      .waitFor();
    await waitFor('no open run', async () => (await page.getByText('No run is open').count()) === 1);
    await watched.close();
  });

  test('are kept by Temporal for a run that no worker responds for, which the page says and offers all of them', async () => {
    const taskQueue = session.queue();
    const serveOther = async (): Promise<WorkerProcess> => shop.serve('127.0.0.1:0', {}, { taskQueue });
    await fillUp();
    const other = await serveOther();
    const run = await shop.pauseInTheMiddle('the backup runs', taskQueue);
    await other.end();
    const watched = await watcher.look(worker.url, { token: TOKEN });
    const { page } = watched;
    const article = page.getByRole('article');
    await article
      .getByText(/^no worker responds\. One polled task queue .* What is shown is in the ledger$/)
      .waitFor();
    expect(await article.getByRole('heading').innerText()).toMatch(/^Run \d+ of shop-\w+: not known$/);
    expect(await article.innerText()).not.toMatch(/rows\/s|left|waits for/);
    await page.getByRole('cell', { name: 'not known', exact: true }).waitFor();
    expect(await article.getByRole('button').allInnerTexts()).toEqual(['Pause', 'Resume', 'Stop']);
    await watched.expectAccessible();
    await watched.photograph('no-worker');
    await page.getByRole('button', { name: 'Stop run' }).click();
    await page.getByText('No worker responds now: Temporal keeps the signal until one does.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
    const result = page.locator('#signal-result');
    await result.and(page.getByText(/^(?!Sending)./)).waitFor();
    expect(await result.innerText()).toMatch(/no worker has confirmed it yet$/);
    watched.expectQuiet(/status of 401/);
    await watched.close();
    await serveOther();
    expect(await run.result()).toMatchObject({ status: 'stopped' });
  });
});
