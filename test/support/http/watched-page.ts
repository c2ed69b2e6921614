import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

import { CHROMIUM, find, ROOT } from '../parts/bring.ts';

/** A browser that looks at the pages of workers. */
export class Watcher {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Watcher> {
    const executablePath = find(CHROMIUM);
    if (executablePath === undefined) throw new Error(`no Chromium: ${CHROMIUM.command}`);
    const args = ['--no-sandbox', '--disable-background-networking'];
    return new Watcher(await chromium.launch({ executablePath, args }));
  }

  /** A page of its own, as somebody with these settings sees it. */
  async look(url: string, as: LookOptions = {}): Promise<WatchedPage> {
    const { colorScheme = 'light', width = 1280, timezoneId = 'UTC', token } = as;
    const viewport = { width, height: 900 };
    const context = await this.#browser.newContext({ colorScheme, viewport, timezoneId });
    const page = new WatchedPage(await context.newPage(), url);
    await page.page.goto(url);
    if (token !== undefined) {
      await page.page.getByLabel('Token', { exact: true }).fill(token);
      await page.page.getByRole('button', { name: 'Open' }).click();
    }
    return page;
  }

  /** Writes pictures of a run under way for the docs, where that is asked for: `npm run docs:screenshots`. */
  async pictures(url: string): Promise<void> {
    if (process.env['SCREENSHOTS'] !== '1') return;
    const folder = join(ROOT, 'docs/images');
    mkdirSync(folder, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      const watched = await this.look(url, { colorScheme });
      await watched.page.getByRole('table', { name: 'Tables of the policies' }).waitFor();
      await watched.page.getByText(/ left$/).waitFor();
      const path = join(folder, `http-${colorScheme}.png`);
      await watched.page.screenshot({ path, animations: 'disabled', fullPage: true });
      await watched.close();
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** How somebody looks. */
export interface LookOptions {
  readonly colorScheme?: 'light' | 'dark';
  /** In pixels. */
  readonly width?: number;
  readonly timezoneId?: string;
  /** Typed where the page asks for it. */
  readonly token?: string;
}

/** A page that is looked at, and all that it asked for and was told. */
export class WatchedPage {
  readonly page: Page;
  readonly #origin: string;
  readonly #asked: string[] = [];
  readonly #errors: string[] = [];
  readonly #told: string[] = [];

  constructor(page: Page, url: string) {
    this.page = page;
    this.#origin = new URL(url).origin;
    page.setDefaultTimeout(30_000);
    page.on('request', (request) => this.#asked.push(request.url()));
    page.on('websocket', (socket) => this.#asked.push(socket.url()));
    page.on('pageerror', (error) => this.#errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.#errors.push(message.text());
    });
    page.on('response', (response) => {
      response.text().then(
        (text) => this.#told.push(text),
        () => undefined,
      );
    });
  }

  /** The part of the page with a title. */
  async readText(title: string): Promise<string> {
    return this.page.getByRole('region', { name: title }).innerText();
  }

  /** Nothing but the server was asked, and nothing was refused or broke but what is expected. */
  expectQuiet(expected: RegExp = /^$/): void {
    expect(this.#asked.length).toBeGreaterThan(5);
    expect(this.#asked.filter((url) => new URL(url).origin !== this.#origin)).toEqual([]);
    expect(this.#errors.filter((error) => !expected.test(error))).toEqual([]);
  }

  /** All that the server told the page, and what the page shows. */
  async told(): Promise<string> {
    return [...this.#told, await this.page.content()].join('\n');
  }

  /** The page is as wide as its window, at the most, and nothing reaches over the edge of its section. */
  async expectFits(): Promise<void> {
    const [needs, has] = await this.page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, window.innerWidth]',
    );
    expect(needs).toBeLessThanOrEqual(has);
    const wide = await this.page.evaluate<string[]>(`
      [...document.querySelectorAll('section')].flatMap((section) => {
        const right = section.getBoundingClientRect().right - parseFloat(getComputedStyle(section).paddingRight);
        return [...section.querySelectorAll('table, p, figure, summary')]
          .filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > right + 1)
          .map((part) => part.textContent.slice(0, 60));
      })`);
    expect(wide).toEqual([]);
  }

  /** No table has nothing but zeros in its numbers. */
  async expectNoZeros(): Promise<void> {
    const zeros = await this.page.evaluate<string[]>(`
      [...document.querySelectorAll('table')].flatMap((table) => {
        const numbers = [...table.querySelectorAll('tbody td')].map((cell) => cell.innerText).filter((text) => /^\\d/.test(text));
        return numbers.length > 0 && numbers.every((text) => /^0\\b/.test(text)) ? [table.innerText] : [];
      })`);
    expect(zeros).toEqual([]);
  }

  /** No word of a table is broken over two lines, unless it is longer than the line of a narrow column. */
  async expectWholeWords(): Promise<void> {
    const broken = await this.page.evaluate<string[]>(`
      [...document.querySelectorAll('th, td, summary')].flatMap((cell) => {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        const found = [];
        for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
          for (const { 0: word, index } of node.data.matchAll(/[^\\s\\-]+/g)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (!node.parentElement.checkVisibility()) continue;
            const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
            if (word.length <= 20 && lines.size > 1) found.push(word);
          }
        }
        return found;
      })`);
    expect(broken).toEqual([]);
  }

  /** Names, contrasts, landmarks and roles are as they should be, by the rules of axe. */
  async expectAccessible(): Promise<void> {
    await this.page.evaluate(axe.source);
    const { violations, passes } = await this.page.evaluate<AxeResults>('axe.run()');
    expect(
      violations.map(({ id, nodes }) => [
        id,
        nodes.map(({ html, failureSummary }) => [html, failureSummary]),
      ]),
    ).toEqual([]);
    expect(passes.length).toBeGreaterThan(15);
  }

  /** Writes pictures of the page in each colour scheme and width for a person to look at, where PHOTOGRAPHS names a folder. */
  async photograph(name: string): Promise<void> {
    const folder = process.env['PHOTOGRAPHS'];
    const before = this.page.viewportSize();
    if (folder === undefined || before === null) return;
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme });
      for (const width of [360, 768, 1280, 1920]) {
        await this.page.setViewportSize({ width, height: before.height });
        const path = join(folder, `${name}-${colorScheme}-${width}.png`);
        await this.page.screenshot({ path, animations: 'disabled', fullPage: true });
      }
    }
    await this.page.emulateMedia({ colorScheme: null });
    await this.page.setViewportSize(before);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
