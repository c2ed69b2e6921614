import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';

const PASSWORD = 'topsecret';

describe('the password of the database', () => {
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    cluster = await startCluster();
    const { Client } = await import('pg');
    const client = new Client(cluster.url());
    await client.connect();
    await client.query(`create role reader login password '${PASSWORD}'`);
    await client.end();
    const rules = join(cluster.folder, 'data/pg_hba.conf');
    writeFileSync(rules, `host all reader 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`);
    await cluster.stop();
    await cluster.start();
  });
  afterAll(async () => cluster.destroy());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (password = ''): string =>
    cluster.url('postgres', `reader${password === '' ? '' : `:${password}`}`);
  const history = async (
    env: NodeJS.ProcessEnv,
    ...args: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    cli(['history', ...args], { cwd: folder, env: { HOME: folder, PGPASSWORD: undefined, ...env } });

  test('comes from PGPASSWORD, if the URL has none', async () => {
    expect(await history({ VACUUM_DATABASE_URL: at() })).toMatchObject({ code: 3, stdout: '' });
    expect(await history({ VACUUM_DATABASE_URL: at(), PGPASSWORD: PASSWORD })).toEqual({
      code: 0,
      stdout: 'no runs yet\n',
      stderr: '',
    });
  });

  test('comes from a file .env of the folder, and a variable that is set wins', async () => {
    writeFileSync(join(folder, '.env'), `# secrets\nVACUUM_DATABASE_URL="${at()}"\nPGPASSWORD=${PASSWORD}\n`);
    const env = { HOME: folder };
    expect(await cli(['history'], { cwd: folder, env })).toMatchObject({ code: 0, stderr: '' });
    expect((await cli(['history'], { cwd: folder, env: { ...env, PGPASSWORD: 'other' } })).code).toBe(3);
    expect((await cli(['history'], { cwd: tmpdir(), env })).code).toBe(2);
  });

  test('is warned about in --url, and never printed', async () => {
    const { code, stdout, stderr } = await history({}, '--url', at(PASSWORD));
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no runs yet\n' });
    expect(stderr).toContain('the password in --url can be read by everybody on this machine');
    expect(stderr).not.toContain(PASSWORD);
    expect(await history({ PGPASSWORD: PASSWORD }, '--url', at())).toMatchObject({ code: 0, stderr: '' });
    const query = await history({}, '--url', `${at()}?password=${PASSWORD}`);
    expect(query.stderr).toContain('the password in --url');
    expect(query.stderr).not.toContain(PASSWORD);
  });
});
