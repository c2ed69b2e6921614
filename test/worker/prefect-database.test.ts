import { describe, expect, test } from '@jest/globals';

import { findPreset, findUrl } from '../../worker/presets.ts';
import { cli } from '../support/cli.ts';
import { FreshPrefect } from '../support/prefect/fresh.ts';

const find = (environment: Record<string, string>, given?: string): string =>
  findUrl(given, findPreset('prefect'), environment);

const PARTS = {
  PREFECT_SERVER_DATABASE_DRIVER: 'postgresql+asyncpg',
  PREFECT_SERVER_DATABASE_HOST: 'db.example',
  PREFECT_SERVER_DATABASE_USER: 'app',
  PREFECT_SERVER_DATABASE_NAME: 'prefect',
};
const SEARCH_PATH = 'PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_SEARCH_PATH';
const URL = 'postgresql+asyncpg://app:x@db.example/prefect';

describe('the database of a Prefect server is the one that its settings name', () => {
  test.each<[string, Record<string, string>, string]>([
    ['its parts', PARTS, 'postgresql+asyncpg://app@db.example:5432/prefect'],
    [
      'its parts with a port and a password of special characters',
      { ...PARTS, PREFECT_SERVER_DATABASE_PORT: '6543', PREFECT_SERVER_DATABASE_PASSWORD: 'p@s/s:%' },
      'postgresql+asyncpg://app:p%40s%2Fs%3A%25@db.example:6543/prefect',
    ],
    [
      'its parts by their older names',
      Object.fromEntries(
        Object.entries(PARTS).map(([name, value]) => [name.replace('SERVER', 'API'), value]),
      ),
      'postgresql+asyncpg://app@db.example:5432/prefect',
    ],
    [
      'an address of IPv6',
      { ...PARTS, PREFECT_SERVER_DATABASE_HOST: '::1' },
      'postgresql+asyncpg://app@[::1]:5432/prefect',
    ],
    [
      'a SQLite file',
      { PREFECT_SERVER_DATABASE_DRIVER: 'sqlite+aiosqlite', PREFECT_SERVER_DATABASE_NAME: '/srv/p.db' },
      'sqlite+aiosqlite:////srv/p.db',
    ],
    [
      'a URL with a place for the password',
      {
        PREFECT_SERVER_DATABASE_CONNECTION_URL:
          'postgresql+asyncpg://app:${PREFECT_API_DATABASE_PASSWORD}@db.example/prefect',
        PREFECT_SERVER_DATABASE_PASSWORD: 'se$&ret#1',
      },
      'postgresql+asyncpg://app:se$&ret%231@db.example/prefect',
    ],
    [
      'the same with the newer name, and a password that is percent-encoded',
      {
        PREFECT_API_DATABASE_CONNECTION_URL:
          'postgresql+asyncpg://app:${PREFECT_SERVER_DATABASE_PASSWORD}@db.example/prefect',
        PREFECT_API_DATABASE_PASSWORD: 'a%40b',
      },
      'postgresql+asyncpg://app:a%40b@db.example/prefect',
    ],
    [
      'a URL and parts, of which the URL counts',
      { ...PARTS, PREFECT_SERVER_DATABASE_CONNECTION_URL: URL },
      URL,
    ],
    [
      'the search path of its sessions',
      { PREFECT_SERVER_DATABASE_CONNECTION_URL: URL, [SEARCH_PATH]: 'app_prefect, public' },
      `${URL}?options=-csearch_path%3Dapp_prefect%2C%5C%20public`,
    ],
    [
      'the search path beside other parameters',
      {
        PREFECT_SERVER_DATABASE_CONNECTION_URL: `${URL}?ssl=require&options=-cjit%3Doff`,
        [SEARCH_PATH]: 'a',
      },
      `${URL}?ssl=require&options=-cjit%3Doff%20-csearch_path%3Da`,
    ],
    [
      'TLS with its files',
      {
        PREFECT_SERVER_DATABASE_CONNECTION_URL: URL,
        PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS_ENABLED: 'true',
        PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS_CA_FILE: '/etc/ca.pem',
      },
      `${URL}?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem`,
    ],
  ])('%s', (_, environment, url) => {
    expect(find(environment)).toBe(url);
  });

  test('a search path also for a URL that is given, unless the URL has one', () => {
    expect(find({ [SEARCH_PATH]: 'app_prefect' }, URL)).toBe(`${URL}?options=-csearch_path%3Dapp_prefect`);
    const own = `${URL}?options=-csearch_path%3Dmine`;
    expect(find({ [SEARCH_PATH]: 'app_prefect' }, own)).toBe(own);
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'parts without the driver, which Prefect ignores',
      { PREFECT_SERVER_DATABASE_HOST: 'db.example', PREFECT_SERVER_DATABASE_PASSWORD: 'hidden' },
      'PREFECT_SERVER_DATABASE_HOST, PREFECT_SERVER_DATABASE_PASSWORD are set, and PREFECT_SERVER_DATABASE_DRIVER is not',
    ],
    [
      'parts that are not complete',
      { PREFECT_SERVER_DATABASE_DRIVER: 'postgresql+asyncpg', PREFECT_SERVER_DATABASE_HOST: 'db.example' },
      'PREFECT_SERVER_DATABASE_USER, PREFECT_SERVER_DATABASE_NAME are not set',
    ],
    [
      'a place for a password that is not set',
      {
        PREFECT_SERVER_DATABASE_CONNECTION_URL:
          'postgresql+asyncpg://app:${PREFECT_SERVER_DATABASE_PASSWORD}@db.example/prefect',
      },
      'PREFECT_SERVER_DATABASE_PASSWORD is not set',
    ],
    ['nothing at all', {}, "Prefect's profiles.toml"],
  ])('refuses %s', (_, environment, words) => {
    expect(() => find(environment)).toThrow(words);
    expect(() => find(environment)).not.toThrow('hidden');
  });
});

const fresh = FreshPrefect.forEach();

describe('an abandoned schema public beside the one of the server', () => {
  test('is not counted, and preview and doctor name the schema that is', async () => {
    const { database } = fresh;
    await database.rows(`
      alter schema public rename to app_prefect;
      create schema public;
      do $$
      declare t text;
      begin
        for t in select tablename from pg_tables where schemaname = 'app_prefect' loop
          execute format('create table public.%I (like app_prefect.%I including all)', t, t);
        end loop;
      end $$;`);
    for (const [schema, rows] of [
      ['public', 3],
      ['app_prefect', 1],
    ] as const) {
      await database.rows(`insert into ${schema}.log (name, level, message, timestamp, flow_run_id)
        select 'x', 20, 'x', now() - interval '200 days', gen_random_uuid() from generate_series(1, ${rows})`);
    }
    const env = { PREFECT_SERVER_DATABASE_CONNECTION_URL: database.url, [SEARCH_PATH]: 'app_prefect,public' };
    const json = await cli(['preview', 'prefect', '--json'], { env });
    expect(json.stderr).toContain('not kept in the ledger');
    expect(JSON.parse(json.stdout)).toMatchObject({ schemas: ['app_prefect'], deleted: { log: 1 } });
    const text = await cli(['preview', 'prefect'], { env });
    expect(text.stdout).toContain('in schema app_prefect');
    const doctor = await cli(['doctor', 'prefect'], { env });
    expect(doctor.stdout).toContain('in schema app_prefect');
    const moved = 'drop schema public cascade; alter schema app_prefect rename to public';
    await database.rows(moved);
    const plain = await cli(['preview', 'prefect'], { env: { VACUUM_DATABASE_URL: database.url } });
    expect(plain.stdout).toContain('1 row would go');
    expect(plain.stdout).not.toContain('in schema');
  });
});
