import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import { freePort } from '../../../worker/dev-server.ts';
import { applySchedule } from '../../../worker/schedule.ts';
import { resumeSignal } from '../../../workflows/messages.ts';
import type { LookOptions } from '../../support/http/watched-page.ts';
import { Watcher } from '../../support/http/watched-page.ts';
import { SECRETS, WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

const TOKEN = 'a-token-of-forty-characters-or-a-bit-more';
/** Rows of the runs before. */
const EARLIER = [40, 90, 60, 130];
const ROWS = 600;

// `npm run docs:screenshots` writes the pictures of the docs anew.
describeNeeding(['temporal', 'chromium'], 'the page of a worker', () => {
  const session = new TemporalSession();
  let shop: WatchedShop;
  let worker: WorkerProcess;
  let address: string;
  let watcher: Watcher;
  let open: WorkflowHandle;

  beforeAll(async () => {
    watcher = await Watcher.open();
    shop = await WatchedShop.prepare(session);
    address = `127.0.0.1:${await freePort()}`;
    worker = await shop.serve(address, {}, { flags: ['--temporal-ui', 'http://ui.example:8233/'] });
    for (const rows of EARLIER) {
      await shop.add(rows);
      await (await shop.start()).result();
    }
    await shop.failOnce();
    // As if they had been on the nights before.
    await shop.database.rows(`
      update vacuum.run
      set started_at = started_at - (6 - id) * interval '1 day', ended_at = ended_at - (6 - id) * interval '1 day'`);
    await shop.database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
      select policy, mode, 'stopped-by-guard', 'guarded', 'guarded', temporal, settings, started_at, ended_at
      from vacuum.run where id = 5`);
    await applySchedule(await session.client(), shop.policy, { taskQueue: shop.taskQueue });
    await shop.add(ROWS);
    open = await shop.pauseInTheMiddle('the backup runs');
  });
  afterAll(async () => {
    await watcher.close();
    const client = await session.client();
    await client.schedule.getHandle(`vacuum-${shop.name}`).delete();
    await shop.close();
    await session.close();
  });

  const views: LookOptions[] = [
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 1280 },
    { colorScheme: 'light', width: 360 },
    { colorScheme: 'dark', width: 360 },
  ];
  test.each(views)('shows everything, to everybody: $colorScheme, $width wide', async (as) => {
    const watched = await watcher.look(worker.url, as);
    const { page } = watched;
    await page.getByRole('table', { name: 'Tables of the policies' }).waitFor();
    const chart = page.getByRole('img', { name: /^Rows deleted by each run/ });
    await chart.waitFor();
    // The run that failed and the one that a guard stopped.
    expect(await chart.getByText('×').count()).toBe(2);
    await page.getByRole('img', { name: /^Bytes given back/ }).waitFor();
    const underWay = await watched.readText('Under way');
    expect(underWay).toMatch(
      /: paused\s+the backup runs\s+old-audit\s+\d+ %\s+[\d,]+ rows, waits for signal resume\s+2 passes are planned/,
    );
    expect(underWay).not.toContain('old-orders');
    const workflow = page.getByRole('link', { name: open.workflowId });
    expect(await workflow.getAttribute('href')).toBe(
      `http://ui.example:8233/namespaces/default/workflows/${open.workflowId}`,
    );
    expect(await watched.readText('Workers')).toMatch(/serves this page[\s\S]*\d s ago/);
    expect(await page.locator('header').innerText()).toContain('All times are in UTC');
    expect(await page.locator('footer').innerText()).toContain('This page only reads.');
    expect(await page.getByRole('button').count()).toBe(0);
    const policies = await watched.readText('Policies');
    for (const said of ['active', '03:00 UTC', 'at 0 3 * * * in UTC', 'not enabled', '13 passes'])
      expect(policies).toContain(said);
    expect(policies).not.toContain('orphaned-logs');
    const history = await watched.readText('History');
    for (const said of ['completed', 'failed', '130', 'paused', 'the backup runs', 'SQLSTATE 42501'])
      expect(history).toContain(said);
    expect(await watched.readText('Tables')).toMatch(/audit_log/);
    expect(await page.locator('header').innerText()).toContain('Worker running, version ');
    await watched.expectFits();
    await watched.expectNoZeros();
    await watched.expectAccessible();
    await page.locator('tbody a').last().click();
    await page.getByRole('table', { name: 'Rows deleted, by table' }).waitFor();
    await watched.expectFits();
    await watched.expectNoZeros();
    await watched.expectAccessible();
    watched.expectQuiet();
    await watched.close();
  });

  test('breaks no word and needs no scrolling to the side, from a phone to a large screen', async () => {
    const watched = await watcher.look(worker.url);
    const { page } = watched;
    await page.getByRole('img', { name: /^Bytes given back/ }).waitFor();
    const expectReadable = async (name: string): Promise<void> => {
      for (const width of [360, 480, 640, 768, 900, 1024, 1089, 1280, 1920]) {
        await page.setViewportSize({ width, height: 900 });
        await watched.expectWholeWords();
        await watched.expectFits();
      }
      await watched.photograph(name);
    };
    await expectReadable('folded');
    await page.getByText('13 passes').click();
    await page.getByText('2 passes are planned').click();
    await page.getByRole('article').getByText('old-orders').waitFor();
    await page.locator('tbody a').nth(2).click();
    await page.getByRole('table', { name: 'Passes, in the order of the policy' }).waitFor();
    await expectReadable('unfolded');
    // Folded lists stay open although the page is drawn anew.
    await page.waitForResponse('**/api/policies');
    expect(await page.getByText('old-background-task-runs').isVisible()).toBe(true);
    await watched.close();
  });

  test('shows times in the zone of its reader, and says which', async () => {
    const watched = await watcher.look(worker.url, { timezoneId: 'Asia/Kolkata' });
    const { page } = watched;
    await page.getByRole('table', { name: 'Policies of this worker' }).waitFor();
    expect(await page.locator('header').innerText()).toContain('All times are in Asia/Calcutta, GMT+5:30');
    expect(await watched.readText('Policies')).toContain('08:30 GMT+5:30');
    await watched.close();
  });

  test('has names for those who hear it, and a way through for those who type', async () => {
    const watched = await watcher.look(worker.url);
    const { page } = watched;
    await page.getByRole('table', { name: 'Tables of the policies' }).waitFor();
    const heard = await page.locator('body').ariaSnapshot();
    for (const name of [
      'heading "temporal-vacuum" [level=1]',
      'region "Under way"',
      'region "Policies"',
      'region "History"',
      'region "Tables"',
      'progressbar "Pass old-audit"',
      'img "Rows deleted by each run: 6 runs from',
      'table "Runs, the newest first"',
      'columnheader "status"',
      'rowheader "audit_log"',
      'contentinfo',
      'status',
    ]) {
      expect(heard).toContain(name);
    }
    const focused = async (): Promise<string> =>
      page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('2 passes are planned');
    await page.keyboard.press('Enter');
    await page.getByRole('article').getByText('old-orders').waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe(open.workflowId);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('3 passes');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('13 passes');
    await page.keyboard.press('Tab');
    // The newest run.
    expect(await focused()).toBe('7');
    const ring = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(ring).toBe('solid');
    for (const run of ['6', '5']) {
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(run);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('table', { name: 'Passes, in the order of the policy' }).waitFor();
    await waitFor('the focus on the title of the run', async () => (await focused()) === 'Run 5');
    expect(await watched.readText('Run 5')).toContain('SQLSTATE 42501');
    await watched.photograph('failed-run');
    await page.goBack();
    await page.getByRole('heading', { name: 'Run 5' }).waitFor({ state: 'hidden' });
    watched.expectQuiet();
    await watched.close();
  });

  test('follows a run, says so when the server is away, and goes on when it is back', async () => {
    const watched = await watcher.look(worker.url);
    const { page } = watched;
    const bar = page.getByRole('progressbar', { name: 'Pass old-audit' });
    const value = async (): Promise<number> =>
      bar.evaluate((shown) => (shown as unknown as { value: number }).value);
    await bar.waitFor();
    await waitFor('a bar', async () => (await value()) > 0);
    const before = await value();
    // What is read out, one sentence after the other.
    await page.evaluate(`
      window.heard = [];
      new MutationObserver(() => heard.push(document.getElementById('news').textContent))
        .observe(document.getElementById('news'), { childList: true })`);
    const heard = async (): Promise<string> => (await page.evaluate<string[]>('heard')).join('\n');
    await open.signal(resumeSignal);
    await waitFor('the bar to move', async () => (await value()) > before);
    await page.getByText(/^[\d,]+ rows, [\d,]+ rows\/s, .* left$/).waitFor();
    await waitFor('the news', async () => (await heard()).includes('is running'));
    // The very bar that was there: one that is made anew is read out anew.
    await bar.evaluate((shown) =>
      (shown as unknown as { setAttribute: (...is: string[]) => void }).setAttribute('data-mark', 'same'),
    );
    const moved = await value();
    await waitFor('the bar to move on', async () => (await value()) > moved);
    expect(await bar.getAttribute('data-mark')).toBe('same');
    await watcher.pictures(worker.url);

    await worker.end('SIGKILL');
    await page.getByText(/^The server does not respond; the data is of \d\d:\d\d:\d\d/).waitFor();
    await watched.photograph('server-away');
    worker = await shop.serve(address, { TEST_NEVER_RUN: 'off-1,off-2,missed' });
    await page.getByText('The server does not respond; the data').waitFor({ state: 'hidden' });
    await page.getByText(/^The last run of .* was completed .* and deleted 600 rows$/).waitFor();
    // The policy that makes it a warning is named first, although it is the last.
    const missed = `No run has ended yet of missed, ${shop.name}-idle (disabled), off-1 (disabled) and 1 more`;
    await page.locator('p.warn').getByText(missed, { exact: true }).waitFor();
    await page.locator('#history').getByRole('cell', { name: '600', exact: true }).waitFor();
    await watched.photograph('ended');
    expect(await heard()).toMatch(
      /does not respond\n[\s\S]*responds again[\s\S]*has ended: completed, 600 rows/,
    );
    // Between the beginning and the end a few sentences, not a stream.
    expect((await heard()).split('\n').length).toBeLessThan(10);
    watched.expectQuiet(
      /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED/,
    );
    const told = await watched.told();
    const { host, pathname } = new URL(shop.database.url);
    const secrets = [...Object.values(SECRETS), host, pathname.slice(1), 'postgresql:'];
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
    await watched.close();
  });

  test('asks for the token where one is needed, keeps it in its tab, and shows nothing before', async () => {
    const shared = await shop.serve('0.0.0.0:0', { VACUUM_HTTP_TOKEN: TOKEN });
    const watched = await watcher.look(shared.url.replace('0.0.0.0', '127.0.0.1'), { width: 360 });
    const { page } = watched;
    const field = page.getByLabel('Token', { exact: true });
    await field.waitFor();
    await waitFor('the focus', async () => page.evaluate<boolean>('document.activeElement?.id === "token"'));
    await watched.expectAccessible();
    await watched.expectFits();
    expect(await watched.told()).not.toContain(shop.name);
    await watched.photograph('token');
    await page.keyboard.type('not-the-token-of-this-server');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('does not accept this token').waitFor();
    await field.fill(TOKEN);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('table', { name: 'Runs, the newest first' }).waitFor();
    await field.waitFor({ state: 'hidden' });
    expect(page.url()).not.toContain(TOKEN);
    expect(await page.evaluate<number>('localStorage.length + document.cookie.length')).toBe(0);
    await page.reload();
    await page.getByRole('table', { name: 'Runs, the newest first' }).waitFor();
    watched.expectQuiet(/status of 401/);
    await watched.close();
  });

  test('rests while nobody looks', async () => {
    const watched = await watcher.look(worker.url);
    const { page } = watched;
    await page.getByRole('table', { name: 'Tables of the policies' }).waitFor();
    await page.evaluate(`
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
    const asked: string[] = [];
    await page.waitForLoadState('networkidle');
    page.on('request', (request) => asked.push(request.url()));
    const first = page.waitForRequest('**/api/admin/cleanup/status', { timeout: 5_000 });
    await expect(first).rejects.toThrow('Timeout');
    expect(asked).toEqual([]);
    await page.evaluate(`
      Object.defineProperty(document, 'hidden', { value: false, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
    await page.waitForRequest('**/api/admin/cleanup/status');
    await watched.close();
  });

  test('where one of several databases is away it shows the others and says so', async () => {
    const both = await shop.serve('127.0.0.1:0', {
      TEST_SECOND_DATABASE_URL: 'postgresql://me:topsecret@127.0.0.1:1/hidden',
    });
    const watched = await watcher.look(both.url);
    const { page } = watched;
    await page.getByText('Not known now: database second cannot be read').first().waitFor();
    await page.getByRole('table', { name: 'Runs, the newest first' }).waitFor();
    await page.getByText('No run is open in the databases that respond', { exact: true }).waitFor();
    expect(await watched.told()).not.toContain('topsecret');
    await watched.photograph('one-database-away');
    watched.expectQuiet();
    await watched.close();
    await both.end();
  });
});
