import { randomBytes } from 'node:crypto';

import type { CustomTypesConfig, PoolClient } from 'pg';
import { Client, Pool, types as pgTypes } from 'pg';

import { makeSchema } from './prefect/schema.ts';

// What a test reads is compared as text and numbers: no rounding to milliseconds, no surprise of a time zone.
const types: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === 1184 || oid === 1114) return (text: string) => text;
    if (oid === 20 || oid === 1700) return Number;
    return pgTypes.getTypeParser(oid, format);
  },
};

/** A template with the tables of Prefect that a vacuum touches. */
export const SHAPED_TEMPLATE = 'prefect_shaped';

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  readonly pool: Pool;
  /** Rows of a statement. */
  rows<T = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** The only value of a statement. */
  value<T = number>(sql: string, values?: readonly unknown[]): Promise<T>;
  drop(): Promise<void>;
}

/** The shared server's URL, or another's. */
function serverUrl(): string {
  const url = process.env['TEST_PG_URL'];
  if (url === undefined) throw new Error('the global setup has not started PostgreSQL');
  return url;
}

/** Makes an own database from a template in some milliseconds. */
export async function createDatabase(
  template: string = SHAPED_TEMPLATE,
  server: string = serverUrl(),
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await copyDatabase(server, template, name);
  return openDatabase(makeUrl(server, name), async () => {
    // Not in the session that is open: sessions that just end would be terminated before they have, and report that as an error.
    await onServer(server, `drop database ${name} with (force)`);
  });
}

/** Copies files, which takes half of the time of copying through the log, as PostgreSQL 15 and later do by default. */
async function copyDatabase(server: string, template: string, name: string): Promise<void> {
  const admin = openAdmin(server);
  const { rows } = await admin.query<{ server_version_num: string }>('show server_version_num');
  const strategy = Number(rows[0]?.server_version_num) < 150_000 ? '' : 'strategy file_copy';
  await admin.query(`create database ${name} template ${template} ${strategy}`);
}

const admins = new Map<string, Pool>();

/** One session for each server, which makes all databases of a process: one more for each database took 5 of its 27 ms of processor. */
function openAdmin(server: string): Pool {
  const admin = admins.get(server) ?? new Pool({ connectionString: server, max: 1, allowExitOnIdle: true });
  if (!admins.has(server)) admin.on('error', () => undefined);
  admins.set(server, admin);
  return admin;
}

/** Opens a database that is there. */
export function openDatabase(url: string, drop: () => Promise<void> = async () => undefined): TestDatabase {
  const pool = new Pool({ connectionString: url, max: 4, types });
  pool.on('error', () => undefined);
  const borrowed = new Set<PoolClient>();
  pool.on('acquire', (client) => borrowed.add(client));
  pool.on('release', (_, client) => borrowed.delete(client));
  const rows = async <T>(sql: string, values: readonly unknown[] = []): Promise<T[]> =>
    (await pool.query(sql, [...values])).rows as T[];
  return {
    url,
    name: new URL(url).pathname.slice(1),
    pool,
    rows,
    value: async <T>(sql: string, values: readonly unknown[] = []) =>
      Object.values((await rows<Record<string, T>>(sql, values))[0] ?? {})[0] as T,
    drop: async () => {
      // A test that failed has not released its clients, and the end of a pool waits for them.
      for (const client of borrowed) client.release(true);
      await pool.end();
      await drop();
    },
  };
}

/** Makes a database with the Prefect-shaped schema, as a template for others. */
export async function loadSchema(server: string, name: string): Promise<void> {
  await onServer(server, `create database ${name}`);
  const client = new Client(makeUrl(server, name));
  await client.connect();
  await makeSchema(client);
  await client.end();
}

/** The URL of another database of a server. */
export function makeUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.toString();
}

/** Runs one statement on the server's own database. */
export async function onServer(server: string, sql: string): Promise<void> {
  const client = new Client(server);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
