import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { openSession } from '../../../../activities/dialect/choose-dialect.ts';
import { describeDatabaseError } from '../../../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../../../activities/dialect/read-error.ts';
import { cli } from '../../../support/cli.ts';
import { onServer } from '../../../support/database.ts';
import type { Cluster } from '../../../support/postgres/cluster.ts';
import { startCluster } from '../../../support/postgres/cluster.ts';

const PASSWORD = 'se/cr#et';

/** What a connection by a URL comes to: ok, or the reason in words. */
async function connect(url: string): Promise<string> {
  const { session, close } = openSession(url, 'vacuum', 2);
  try {
    await session.facts.readClock();
    return 'ok';
  } catch (error) {
    const known = readDatabaseError(error);
    return known === undefined ? `not understood: ${String(error)}` : describeDatabaseError(known);
  } finally {
    await close();
  }
}

describe('a connection by a URL', () => {
  let cluster: Cluster;
  let readOnly: Cluster;
  /** A folder with a colon in its name, as Cloud SQL makes them, that holds the socket. */
  let folder: string;
  let parent: string;

  beforeAll(async () => {
    [cluster, readOnly] = await Promise.all([
      startCluster({ settings: { unix_socket_directories: '.' } }),
      startCluster({ settings: { default_transaction_read_only: 'on' } }),
    ]);
    for (const { url, folder: own } of [
      { url: cluster.url(), folder: cluster.folder },
      { url: readOnly.url(), folder: readOnly.folder },
    ]) {
      await onServer(
        `${url}?options=-cdefault_transaction_read_only%3Doff`,
        `create role app login superuser password '${PASSWORD}'`,
      );
      const rules = join(own, 'data/pg_hba.conf');
      const rule = (type: string): string =>
        `${type} all app ${type === 'local' ? '' : '127.0.0.1/32 '}scram-sha-256\n`;
      writeFileSync(rules, `${rule('local')}${rule('host')}${readFileSync(rules, 'utf8')}`);
      await onServer(url, 'select pg_reload_conf()');
    }
    parent = mkdtempSync(join(tmpdir(), 'temporal-vacuum-socket-'));
    folder = join(parent, 'project:region:instance');
    symlinkSync(join(cluster.folder, 'data'), folder);
  });
  afterAll(async () => {
    await cluster.destroy();
    await readOnly.destroy();
    rmSync(parent, { recursive: true });
  });

  const app = `app:${encodeURIComponent(PASSWORD)}`;
  const urls: [string, () => string][] = [
    [
      'a socket, as SQLAlchemy and Cloud SQL write it',
      () => `postgresql+asyncpg://${app}@/postgres?host=${folder}&port=${cluster.port}`,
    ],
    [
      'the file of a socket',
      () => `postgresql+pg8000://${app}@/postgres?unix_sock=${folder}/.s.PGSQL.${cluster.port}`,
    ],
    [
      'a socket, as libpq writes it',
      () => `postgresql://${app}@${encodeURIComponent(folder)}:${cluster.port}/postgres`,
    ],
    [
      'a socket, with TLS asked for',
      () => `postgresql://${app}@/postgres?host=${folder}&port=${cluster.port}&sslmode=require`,
    ],
    [
      'all in the query',
      () =>
        `postgresql://?host=127.0.0.1&port=${cluster.port}&user=app&password=${encodeURIComponent(PASSWORD)}&dbname=postgres`,
    ],
    ['a password as it is', () => `postgresql+asyncpg://app:${PASSWORD}@127.0.0.1:${cluster.port}/postgres`],
    [
      'several hosts of which the first is away',
      () => `postgresql://${app}@127.0.0.1:1,127.0.0.1:${cluster.port}/postgres`,
    ],
    [
      'several hosts of which the first only reads',
      () =>
        `postgresql+psycopg://${app}@/postgres?host=127.0.0.1:${readOnly.port}&host=127.0.0.1:${cluster.port}&target_session_attrs=read-write`,
    ],
  ];
  test.each(urls)('works: %s', async (_, url) => {
    expect(await connect(url())).toBe('ok');
  });

  const failures: [string, () => string, string][] = [
    [
      'no password',
      () => `postgresql://app@127.0.0.1:${cluster.port}/postgres`,
      'the database wants a password',
    ],
    [
      'a wrong password',
      () => `postgresql://app:wrong@127.0.0.1:${cluster.port},127.0.0.1:1/postgres`,
      'the password is wrong',
    ],
    [
      'nobody there',
      () => 'postgresql://app:wrong@127.0.0.1:1/postgres',
      'nothing listens at this host and port',
    ],
    ['no such host', () => 'postgresql://app:wrong@no-such-host.invalid/postgres', 'the name of the host'],
    [
      'no socket',
      () => `postgresql://app:wrong@/postgres?host=${folder}&port=1`,
      'the folder has no socket of a server with this port',
    ],
    [
      'no TLS',
      () => `postgresql://app:wrong@127.0.0.1:${cluster.port}/postgres?sslmode=require`,
      'the database has no TLS',
    ],
    [
      'no such database',
      () => `postgresql://${app}@127.0.0.1:${cluster.port}/none`,
      'there is no such database',
    ],
    [
      'no host that writes',
      () => `postgresql://${app}@127.0.0.1:${readOnly.port}/postgres?target_session_attrs=read-write`,
      'the database is read-only',
    ],
  ];
  test.each(failures)('fails with its true reason: %s', async (_, url, reason) => {
    const said = await connect(url());
    expect(said).toContain(reason);
    expect(said).not.toMatch(/wrong[^ ]|@|se.cr/);
  });

  test('goes on with the next host after the first was lost', async () => {
    const first = await startCluster();
    const { session, close } = openSession(
      `postgresql://postgres@127.0.0.1:${first.port},127.0.0.1:${cluster.port}/postgres`,
      'vacuum',
      2,
    );
    try {
      await session.facts.readClock();
      await first.destroy();
      // The session that is lost fails once at most.
      await session.facts.readClock().catch(() => undefined);
      await expect(session.facts.readClock()).resolves.toBeDefined();
    } finally {
      await close();
    }
  });

  test('is named by the host that is used, without the password', async () => {
    const url = `postgresql://app:12/wr0ng@production.example:5432/postgres?host=127.0.0.1&port=${cluster.port}`;
    const { stderr, code } = await cli(['history'], { cwd: parent, env: { VACUUM_DATABASE_URL: url } });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining(
        `cannot work with postgres at 127.0.0.1:${cluster.port}: the password is wrong`,
      ),
    });
    expect(stderr).not.toContain('wr0ng');
  });
});
