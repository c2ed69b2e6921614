import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

import { describe, expect, test } from '@jest/globals';

import type { Job } from '../support/docs/release.ts';
import { readReleaseWorkflow } from '../support/docs/release.ts';
import { ROOT } from '../support/parts/bring.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { version, scripts } = JSON.parse(read('package.json')) as {
  version: string;
  scripts: Readonly<Record<string, string>>;
};

describe('a release', () => {
  const { on, jobs } = readReleaseWorkflow();
  const listCommands = ({ steps }: Job): string[] =>
    steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

  test('is published by a tag alone, after all tests and the image, and without a token that is kept', () => {
    expect(on).toEqual({ push: { tags: ['v*'] } });
    const { publish, ...others } = jobs;
    expect(publish?.needs?.toSorted()).toEqual(Object.keys(others).toSorted());
    expect(publish?.permissions).toMatchObject({ 'id-token': 'write' });
    expect(read('.github/workflows/release.yml')).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
    expect(listCommands(publish ?? { steps: [] }).join('\n')).toContain('npm publish');
  });

  test('has a provenance where npm takes one: not from a private repository, nor from a server of its own', () => {
    const { env } = jobs['publish']?.steps.find(({ run }) => run?.startsWith('npm publish')) ?? {};
    const [, expression = ''] = /^\$\{\{ (.*) \}\}$/.exec(env?.['NPM_CONFIG_PROVENANCE'] ?? '') ?? [];
    // Comparisons of GitHub's expressions are written as those of JavaScript.
    const evaluate = (server: string, isPrivate: boolean): unknown =>
      runInNewContext(expression, {
        github: { server_url: server, event: { repository: { private: isPrivate } } },
      });
    expect(evaluate('https://github.com', false)).toBe(true);
    expect(evaluate('https://github.com', true)).toBe(false);
    expect(evaluate('https://git.example.com', false)).toBe(false);
  });

  test('runs commands of this repository that are there', () => {
    const commands = Object.values(jobs).flatMap(listCommands).join('\n');
    expect(commands).toContain('.ci/run');
    expect(existsSync(join(ROOT, '.ci/run'))).toBe(true);
    const named = [...commands.matchAll(/npm run (?:-s )?(?<name>[\w:]+)/g)].map(
      ({ groups }) => groups?.['name'],
    );
    expect(named.filter((name = '') => scripts[name] === undefined)).toEqual([]);
  });

  test('of the version of package.json stands in the changelog, below what is not released', () => {
    const titles = [...read('CHANGELOG.md').matchAll(/^## (?<title>.*)$/gm)].map(
      ({ groups }) => groups?.['title'],
    );
    expect(titles[0]).toBe('Unreleased');
    expect(titles[1]?.split(' ')[0]).toBe(version);
  });
});

test('the README compares with others before all else, and says when to take the other', () => {
  const [intro = '', compared = ''] = read('README.md').split(/^## /m);
  expect(intro.split('\n').length).toBeLessThan(12);
  expect(compared).toMatch(/^Compared with\n/);
  expect(compared).toContain('take the other if');
  for (const other of ['Prefect', 'airflow db clean', 'pg_partman', 'pg_ttl_index', 'cron'])
    expect(compared).toContain(other);
});
