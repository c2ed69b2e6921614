import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const CONFIG = `
  import { defineEntity, p } from '@mikro-orm/core';
  import { definePolicy, expireRows } from ${JSON.stringify(join(ROOT, 'index.ts'))};
  const Log = defineEntity({ name: 'Log', tableName: 'log', properties: { id: p.uuid().primary(), timestamp: p.datetime() } });
  const main = () => process.env['MAIN_URL'] ?? '';
  export default {
    databases: process.env['SECOND'] === undefined ? { main } : { main, second: () => 'postgresql://127.0.0.1:1/none' },
    policies: [
      definePolicy({ name: 'nightly', database: 'main', entities: [Log],
        passes: [expireRows({ name: 'old-logs', entity: Log, age: 'timestamp', olderThan: '90 days' })] }),
    ],
  };`;

describe('a policy that was removed from the configuration', () => {
  const fresh = FreshPrefect.forEach();
  const folder = mkdtempSync(join(ROOT, '.cache', 'removed-'));
  writeFileSync(join(folder, 'vacuum.config.ts'), CONFIG);
  afterAll(() => rmSync(folder, { recursive: true }));

  const typeWith = async (env: NodeJS.ProcessEnv, ...words: string[]): Promise<CliResult> =>
    cli(words, { cwd: folder, env: { MAIN_URL: fresh.database.url, ...env } });
  const type = async (...words: string[]): Promise<CliResult> => typeWith({}, ...words);

  beforeEach(async () => {
    await type('ledger', 'migrate');
    await fresh.database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, ended_at)
      values ('weekly', 'execute', 'completed', 'w', 'w', 'a/default', '{}', now()),
        ('nightly', 'execute', 'failed', 'n', 'n', 'a/default', '{}', now());
      insert into vacuum.guard (policy, known_run, blocked, blocked_at)
      values ('weekly', 1, '["another database"]', now())`);
  });

  test('has its history still, and one that neither the file nor the ledger has is misspelt', async () => {
    const listed = await type('history', '--policy', 'weekly');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^ *1 +weekly +execute +completed/m);
    expect(listed.stdout).not.toContain('nightly');
    const misspelt = await type('history', '--policy', 'nighty');
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(misspelt.stderr).toContain('there is no policy "nighty". Write nightly if that is meant');
  });

  test('may be acknowledged, as it is without a name', async () => {
    expect((await type('acknowledge', 'weekly')).stdout).toContain('policy weekly is no longer blocked');
    expect(await type('acknowledge', 'weekly')).toMatchObject({
      code: 0,
      stdout: 'policy weekly is not blocked\n',
    });
    expect(await type('acknowledge', 'nighty')).toMatchObject({ code: 2, stdout: '' });
  });

  test('needs the name of its database if there are several', async () => {
    const several = { SECOND: '1' };
    const unnamed = await typeWith(several, 'history', '--policy', 'weekly');
    expect(unnamed).toMatchObject({ code: 2, stdout: '' });
    expect(unnamed.stderr).toContain(
      'If it was removed from the configuration, name its database with --database: main, second',
    );
    const named = await typeWith(several, 'history', '--policy', 'weekly', '--database', 'main');
    expect(named.stdout).toMatch(/^ *1 +weekly +execute +completed/m);
    // The file knows where the others are.
    expect((await typeWith(several, 'history', '--policy', 'nightly')).stdout).toMatch(/^ *2 +nightly /m);
  });
});
