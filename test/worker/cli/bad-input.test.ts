import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const ENABLED = ['--set', 'enabled=true'];

const fresh = FreshPrefect.forEach();

describe('bad input', () => {
  beforeEach(async () => fresh.rows.run({ logs: 3 }));
  afterEach(async () => {
    expect(
      await fresh.database.rows('select count(*) from flow_run union all select count(*) from log'),
    ).toEqual([{ count: 1 }, { count: 3 }]);
  });

  const refused = async (args: string[], ...says: string[]): Promise<void> => {
    const { code, stderr, stdout } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const text of says) expect(stderr).toContain(text);
  };

  test('an unknown policy', async () => {
    await refused(['run', 'nobody', ...fresh.at()], 'there is no policy "nobody"', 'prefect');
  });

  test('two unknown passes', async () => {
    const args = ['run', 'prefect', ...fresh.at(), '--execute', '--pass', 'one', '--pass', 'two'];
    await refused(args, '2 mistakes', 'names "one"', 'names "two"');
  });

  test('settings that cannot be used, all at once', async () => {
    const sets = ['retentionPeriod=3600', 'batchSize=-1', 'loopSeconds=often', 'nothing=1', 'novalue'];
    const args = [
      'preview',
      'prefect',
      ...fresh.at(),
      ...sets.slice(0, 4).flatMap((pair) => ['--set', pair]),
    ];
    await refused(args, '4 mistakes', 'retentionPeriod', 'batchSize', 'loopSeconds', 'nothing');
    await refused(['preview', 'prefect', ...fresh.at(), '--set', 'novalue'], '--set novalue');
  });

  test('the policy and the request, all at once', async () => {
    const args = ['run', 'prefect', ...fresh.at(), '--execute', '--set', 'shards=99', '--pass', 'nobody'];
    await refused(args, '2 mistakes', 'shards is 99', 'names "nobody"');
  });

  test('a database that is not Prefect’s', async () => {
    const url = new URL(fresh.database.url);
    url.pathname = '/postgres';
    await refused(
      ['run', 'prefect', '--url', url.toString(), ...ENABLED, '--execute'],
      'table flow_run is missing',
      'table log is missing',
      'nothing was deleted',
    );
  });

  test('a database that does not respond, without the password', async () => {
    const url = 'postgresql://me:topsecret@127.0.0.1:1/none';
    const { code, stderr } = await cli(['run', 'prefect', '--url', url, '--execute']);
    expect(code).toBe(3);
    expect(stderr).toContain('cannot work with none at 127.0.0.1:1');
    expect(stderr).not.toContain('topsecret');
  });

  test.each([
    ['sqlite+aiosqlite:////nowhere/prefect.db', 'there is no such file'],
    ['mysql://x', 'neither a PostgreSQL nor a SQLite URL'],
  ])('the URL %s', async (url, says) => {
    await refused(['preview', 'prefect', '--url', url], says);
  });

  test('a Temporal that does not respond', async () => {
    const { code, stderr } = await cli(['run', 'prefect', ...fresh.at(), '--temporal', '127.0.0.1:1']);
    expect(code).toBe(3);
    expect(stderr).toContain('Temporal at 127.0.0.1:1 does not respond: nothing listens there');
  });

  test('an unknown option', async () => {
    await refused(['run', 'prefect', '--force'], "unknown option '--force'");
  });
});
