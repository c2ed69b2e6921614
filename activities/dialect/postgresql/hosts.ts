import { readFileSync } from 'node:fs';

import type { Host } from './url.ts';
import { parseUrl, refuse } from './url.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a server must allow to be taken. libpq's `read-write`; `primary` also takes one that is read-only by a setting. */
export type WantedServer = 'any' | 'read-write' | 'primary';

/** The servers of a URL. */
interface Servers {
  /** A URL for each host as `pg` takes it, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly wanted: WantedServer;
}

/** Finds the servers of a URL, with the `PG*` variables that it leaves open. Throws a `ValidationError` without the URL. */
export function findServers(url: string, environment: Environment = process.env): Servers {
  const { user, password, database, parameters, hosts } = parseUrl(url);
  const wanted = readWanted(parameters);
  setSslMode(parameters, environment);
  const urls = fillHosts(hosts, environment).map(({ host, port }) => {
    const query = new URLSearchParams(parameters);
    // A Unix socket has no TLS; the server would refuse to begin it.
    if (host.startsWith('/')) setWithoutTls(query);
    const own = { user, password, host, port };
    for (const [name, value] of Object.entries(own)) if (value !== undefined) query.set(name, value);
    // `pg` decodes a path with decodeURI.
    return `postgresql:///${encodeURI(database ?? '')}?${query.toString().replaceAll('+', '%20')}`;
  });
  return { urls, wanted };
}

/** Database, hosts and ports that a URL leads to, for messages: never the user or the password. */
export function displayUrl(url: string, environment: Environment = process.env): string {
  const { database, hosts } = parseUrl(url);
  const name = database ?? variable(environment, 'PGDATABASE') ?? 'default database';
  const list = fillHosts(hosts, environment).map(({ host, port }) => {
    if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  });
  return `${name} at ${list.join(', ')}`;
}

function fillHosts(hosts: readonly Host[], environment: Environment): { host: string; port: string }[] {
  const port = variable(environment, 'PGPORT') ?? '5432';
  const host = variable(environment, 'PGHOST') ?? 'localhost';
  return hosts.map((given) => ({ host: given.host ?? host, port: given.port ?? port }));
}

function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function readWanted(parameters: URLSearchParams): WantedServer {
  const wanted = parameters.get('target_session_attrs') ?? 'any';
  parameters.delete('target_session_attrs');
  if (wanted === 'any' || wanted === 'read-write' || wanted === 'primary') return wanted;
  return refuse(
    'its target_session_attrs asks for a server that does not write',
    'Rows are deleted on the primary: write target_session_attrs=read-write',
  );
}

/** asyncpg's words that are no mode of libpq. */
const SSL_WORDS: Readonly<Record<string, string>> = { true: 'require', false: 'disable' };
const VERIFYING = ['require', 'verify-ca', 'verify-full'];
const SSL_FILES = ['sslrootcert', 'sslcert', 'sslkey'];

/**
 * Modes mean what they mean to libpq and asyncpg: `require` encrypts and does not verify, which `pg` would take as
 * `verify-full`. `prefer` and `allow` work without TLS too, which `pg` cannot fall back to: they are taken as no TLS.
 */
function setSslMode(parameters: URLSearchParams, environment: Environment): void {
  const ssl = parameters.get('ssl');
  parameters.delete('ssl');
  const given = parameters.get('sslmode') ?? (ssl === null ? undefined : (SSL_WORDS[ssl] ?? ssl));
  const mode = given ?? variable(environment, 'PGSSLMODE');
  if (mode === undefined) return;
  if (mode === 'prefer' || mode === 'allow' || mode === 'disable') {
    setWithoutTls(parameters);
    return;
  }
  if (mode !== 'no-verify' && !VERIFYING.includes(mode)) {
    refuse('its sslmode is none', `Write one of disable, ${VERIFYING.join(', ')}`);
  }
  const root = parameters.get('sslrootcert') ?? variable(environment, 'PGSSLROOTCERT');
  if (root === 'system') parameters.delete('sslrootcert');
  else if (root !== undefined) parameters.set('sslrootcert', root);
  else if (mode === 'verify-ca')
    refuse('its sslmode verify-ca needs sslrootcert', 'Name the file with the certificate of the CA');
  for (const name of SSL_FILES) checkFile(name, parameters.get(name));
  parameters.set('sslmode', mode);
  if (mode !== 'no-verify') parameters.set('uselibpqcompat', 'true');
}

function setWithoutTls(parameters: URLSearchParams): void {
  for (const name of [...SSL_FILES, 'uselibpqcompat']) parameters.delete(name);
  parameters.set('sslmode', 'disable');
}

function checkFile(name: string, file: string | null): void {
  if (file === null) return;
  try {
    readFileSync(file);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    refuse(`the file of its ${name} cannot be read (${code})`, 'Check the path and the rights of the file');
  }
}
