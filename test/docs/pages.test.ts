import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { COMMANDS_PAGE, generateCommandsPage } from '../support/docs/generate.ts';
import { readLinks } from '../support/docs/markdown.ts';
import { PAGES, readPage } from '../support/docs/pages.ts';
import { ROOT } from '../support/parts/bring.ts';

describe('pages', () => {
  test.each(PAGES)('%s links to files that are there', (page) => {
    const folder = dirname(join(ROOT, page));
    expect(readLinks(readPage(page)).filter((to) => !existsSync(resolve(folder, to)))).toEqual([]);
  });

  test.each(PAGES.filter((page) => page.startsWith('docs/')))(
    '%s begins with what its reader wants to do',
    (page) => {
      const [, first = ''] = readPage(page).split('\n\n');
      expect(first.split('. ')[0]).toMatch(/\bYou (?:want|have|host|run|delete)\b|, and you want to\b/);
    },
  );

  test('the commands are described as the program describes itself; mend it with npm run docs', async () => {
    const page = readFileSync(COMMANDS_PAGE, 'utf8');
    expect(page).toBe(await generateCommandsPage(page));
  });

  test('the table of crashes names tests that are there', () => {
    const named = [...readPage('docs/crashes.md').matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
