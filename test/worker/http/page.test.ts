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
    worker = await shop.serve(address);
    for (const rows of EARLIER) {
      await shop.add(rows);
      await (await shop.start()).result();
    }
    await shop.failOnce();
    // As if they had been on the nights before.
    await shop.database.rows(`
      update vacuum.run
      set started_at = started_at - (6 - id) * interval '1 day', ended_at = ended_at - (6 - id) * interval '1 day'`);
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
    await page.getByRole('img', { name: /^Bytes given back/ }).waitFor();
    expect(await watched.readText('Under way')).toMatch(
      /: paused[\s\S]*the backup runs[\s\S]*old-audit running, [\d,]+ rows, \d+ %, waits for signal resume/,
    );
    const policies = await watched.readText('Policies');
    for (const said of ['active', '03:00', 'at 0 3 * * * in UTC', 'not enabled'])
      expect(policies).toContain(said);
    const history = await watched.readText('History');
    for (const said of ['completed', 'failed', '130', 'running']) expect(history).toContain(said);
    expect(await watched.readText('Tables')).toMatch(/audit_log/);
    expect(await page.locator('header').innerText()).toContain('RUNNING');
    await watched.expectFits();
    await watched.expectAccessible();
    await page.locator('tbody a').last().click();
    await page.getByRole('table', { name: 'Rows deleted, by table' }).waitFor();
    await watched.expectFits();
    await watched.expectAccessible();
    watched.expectQuiet();
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
      'img "Rows deleted by each run: 5 runs from',
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
    // The newest run: the first link of the page.
    expect(await focused()).toBe('6');
    const ring = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(ring).toBe('solid');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('5');
    await page.keyboard.press('Enter');
    await page.getByRole('table', { name: 'Passes, in the order of the policy' }).waitFor();
    await waitFor('the focus on the title of the run', async () => (await focused()) === 'Run 5');
    expect(await watched.readText('Run 5')).toContain('SQLSTATE P0001');
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
    await page.getByText(/old-audit running, .* rows, \d+ %, [\d,]+ rows\/s, .* left/).waitFor();
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
    worker = await shop.serve(address);
    await page.getByText('The server does not respond; the data').waitFor({ state: 'hidden' });
    await page
      .getByText(/^No run is open; the last run of .* was completed .* and deleted 600 rows$/)
      .waitFor();
    await page.getByRole('cell', { name: '600', exact: true }).waitFor();
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
    expect(await watched.told()).not.toContain('topsecret');
    watched.expectQuiet();
    await watched.close();
    await both.end();
  });
});
