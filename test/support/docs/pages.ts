import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../parts/bring.ts';

/** Every page that somebody reads, as paths from the root. */
export const PAGES: readonly string[] = [
  'README.md',
  ...namesIn('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...namesIn('examples')
    .map((name) => `examples/${name}/README.md`)
    .filter((page) => existsSync(join(ROOT, page))),
];

/** Pages whose blocks are followed by one file of tests, so that several go beside one another. */
export type Group = 'passes' | 'examples' | 'starting' | 'operating';

/** What somebody reads first, and about the policy of Prefect. */
const STARTING = new Set([
  'README.md',
  'docs/first-hour.md',
  'docs/plugin.md',
  'docs/policies.md',
  'docs/prefect.md',
]);

/** The page that the program writes about itself. */
const GENERATED = 'docs/commands.md';
const KINDS = new Set(namesIn('activities/passes').map((name) => name.replace(/\.ts$/, '')));

/** The group of a page; undefined if its blocks are not to be followed. */
export function findGroup(page: string): Group | undefined {
  if (page === GENERATED) return undefined;
  if (page.startsWith('examples/')) return 'examples';
  if (STARTING.has(page)) return 'starting';
  const { name = '' } = /^docs\/(?<name>.*)\.md$/.exec(page)?.groups ?? {};
  return KINDS.has(name) ? 'passes' : 'operating';
}

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

function namesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder));
}
