import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Locator, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

import { CHROMIUM, find, ROOT } from './parts/bring.ts';

const IMAGES = join(ROOT, 'docs/images');

/** The Temporal UI in a real browser, as a person uses it. */
export class TemporalUi {
  readonly #browser: Browser;
  readonly #url: string;
  readonly page: Page;

  private constructor(browser: Browser, page: Page, url: string) {
    this.#browser = browser;
    this.page = page;
    this.#url = url;
  }

  static async open(url: string): Promise<TemporalUi> {
    const executablePath = find(CHROMIUM);
    if (executablePath === undefined) throw new Error(`no Chromium: ${CHROMIUM.command}`);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-background-networking'],
    });
    const page = await browser.newPage({ viewport: { width: 1500, height: 900 } });
    page.setDefaultTimeout(60_000);
    return new TemporalUi(browser, page, url);
  }

  /** Goes to a page of namespace `default`. */
  async go(path: string): Promise<void> {
    await this.page.goto(`${this.#url}/namespaces/default/${path}`);
  }

  /** The page of a workflow. */
  async goToWorkflow(workflowId: string, runId: string, tab: string): Promise<void> {
    await this.go(`workflows/${encodeURIComponent(workflowId)}/${runId}/${tab}`);
  }

  /** Looks at nothing, which takes no processor time while a run goes on: pages of Temporal are drawn all the time. */
  async lookAway(): Promise<void> {
    await this.page.goto('about:blank');
  }

  /** The dialog that is open: closed ones stay in the document. */
  get dialog(): Locator {
    return this.page.locator('dialog[open]');
  }

  async confirm(): Promise<void> {
    await this.dialog.getByTestId('confirm-modal-button').click();
    await this.dialog.waitFor({ state: 'hidden' });
  }

  /** Sends one of the signals that a workflow declares, with a JSON payload. */
  async sendSignal(name: string, payload?: string): Promise<void> {
    await this.page.locator('button:has-text("More Actions"):visible').click();
    await this.page.locator('[data-testid=signal-button]:visible').click();
    await this.dialog.getByTestId('signal-select-button').click();
    await this.dialog.getByRole('option', { name }).first().click();
    if (payload !== undefined) {
      await this.dialog.locator('.cm-content').first().click();
      await this.page.keyboard.insertText(payload);
    }
  }

  /** Writes a picture of the page for the docs, where that is asked for: `npm run docs:screenshots`. */
  async picture(name: string, of: Locator): Promise<void> {
    if (process.env['SCREENSHOTS'] !== '1') return;
    mkdirSync(IMAGES, { recursive: true });
    await of.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled' });
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
