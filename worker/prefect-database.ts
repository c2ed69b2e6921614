import type { Issue } from '../policy/issue.ts';
import { ValidationError } from '../policy/issue.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Prefect's names for a setting of its database, in the order in which Prefect reads them. */
const PREFIXES = ['PREFECT_SERVER_DATABASE_', 'PREFECT_API_DATABASE_'];
const CONNECT_ARGS = 'PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_';
const PARTS = ['HOST', 'PORT', 'USER', 'NAME', 'PASSWORD'] as const;
const POSTGRESQL = 'postgresql+asyncpg';
const SQLITE = 'sqlite+aiosqlite';

/** Prefect puts its password in these places of a URL as it is. */
const PASSWORD_VARIABLE = /\$\{PREFECT_(?:SERVER|API)_DATABASE_PASSWORD\}/g;

/**
 * Finds the URL of Prefect's database as Prefect's server does: `PREFECT_SERVER_DATABASE_CONNECTION_URL` with its password
 * variable, or else the driver, host, port, user, name and password; with its TLS. Undefined if none is set. Throws a
 * `ValidationError` if Prefect would refuse them, or use a default that only its own machine knows.
 */
export function findPrefectUrl(environment: Environment): string | undefined {
  const url = read(environment, 'CONNECTION_URL');
  if (url !== undefined) return addTls(fillPassword(url.value, url.name, environment), environment);
  const parts = PARTS.map((part) => read(environment, part));
  const driver = read(environment, 'DRIVER');
  if (driver?.value === POSTGRESQL) return addTls(joinParts(environment), environment);
  if (driver?.value === SQLITE && parts[3] !== undefined) return `${SQLITE}:///${parts[3].value}`;
  const set = [driver, ...parts].flatMap((variable) => (variable === undefined ? [] : [variable.name]));
  if (set.length === 0) return undefined;
  const what =
    driver === undefined
      ? 'PREFECT_SERVER_DATABASE_DRIVER is not, so that Prefect itself ignores them and uses its SQLite file'
      : `${driver.name} names ${driver.value === SQLITE ? 'SQLite without a file, which PREFECT_HOME decides' : 'a driver that Prefect does not have'}`;
  return refuse([
    {
      at: 'database',
      what: `${set.join(', ')} ${set.length === 1 ? 'is' : 'are'} set, and ${what}`,
      fix: `Set PREFECT_SERVER_DATABASE_DRIVER to ${POSTGRESQL}, or say --url`,
    },
  ]);
}

/**
 * Adds to a URL the search path of the sessions of Prefect's server: it decides in which schema its tables are. A URL that
 * has one keeps it.
 */
export function addSearchPath(url: string, environment: Environment): string {
  const searchPath = environment[`${CONNECT_ARGS}SEARCH_PATH`] ?? '';
  const options = readQuery(url).get('options') ?? '';
  if (!isPostgres(url) || searchPath === '' || options.includes('search_path')) return url;
  // The server splits options at blanks that have no backslash.
  const escaped = searchPath.replaceAll(/[\\\s]/g, String.raw`\$&`);
  return setParameters(url, [['options', `${options} -csearch_path=${escaped}`.trim()]]);
}

/** Adds to a URL the TLS of Prefect's server. A URL that has its own keeps it. */
function addTls(url: string, environment: Environment): string {
  const given = readQuery(url);
  if (!isPostgres(url) || !isYes(environment[`${CONNECT_ARGS}TLS_ENABLED`])) return url;
  if (given.has('sslmode') || given.has('ssl')) return url;
  const checksName = environment[`${CONNECT_ARGS}TLS_CHECK_HOSTNAME`];
  const mode = checksName === undefined || isYes(checksName) ? 'verify-full' : 'verify-ca';
  const files = TLS_FILES.flatMap(([name, parameter]): [string, string][] => {
    const file = environment[`${CONNECT_ARGS}${name}`] ?? '';
    return file === '' ? [] : [[parameter, file]];
  });
  return setParameters(url, [['sslmode', mode], ...files]);
}

function isPostgres(url: string): boolean {
  return /^postgres/i.test(url);
}

function readQuery(url: string): URLSearchParams {
  return new URLSearchParams(url.split('?')[1] ?? '');
}

/** Leaves the rest of the URL as it is written: a password may be in it that a parser would refuse. */
function setParameters(url: string, parameters: readonly (readonly [string, string])[]): string {
  const [before = '', query = ''] = url.split('?');
  const names = new Set(parameters.map(([name]) => name));
  const kept = query.split('&').filter((pair) => pair !== '' && !names.has(pair.split('=')[0] ?? ''));
  const added = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${before}?${[...kept, ...added].join('&')}`;
}

const TLS_FILES = [
  ['TLS_CA_FILE', 'sslrootcert'],
  ['TLS_CERT_FILE', 'sslcert'],
  ['TLS_KEY_FILE', 'sslkey'],
] as const;

/** Prefect's variables with a URL of the database, for messages. */
export const PREFECT_URL_VARIABLES = PREFIXES.map((prefix) => `${prefix}CONNECTION_URL`);

function read(environment: Environment, name: string): { name: string; value: string } | undefined {
  return PREFIXES.map((prefix) => ({
    name: `${prefix}${name}`,
    value: environment[`${prefix}${name}`] ?? '',
  })).find(({ value }) => value !== '');
}

function fillPassword(url: string, name: string, environment: Environment): string {
  if (!url.match(PASSWORD_VARIABLE)) return url;
  const password = read(environment, 'PASSWORD');
  if (password === undefined) {
    return refuse([
      {
        at: name,
        what: 'it has a place for a password, and PREFECT_SERVER_DATABASE_PASSWORD is not set',
        fix: 'Set PREFECT_SERVER_DATABASE_PASSWORD',
      },
    ]);
  }
  return url.replaceAll(PASSWORD_VARIABLE, () => encodePassword(password.value));
}

/** What is percent-encoded stays, as in a URL that Prefect fills; other characters would end the password. */
function encodePassword(password: string): string {
  return password.replaceAll(/%(?![0-9a-f]{2})|[^\w.~!$&'()*+,;=%-]/gi, encodeURIComponent);
}

function joinParts(environment: Environment): string {
  const required = ['HOST', 'USER', 'NAME'] as const;
  const missing = required.filter((part) => read(environment, part) === undefined);
  if (missing.length > 0) {
    const names = missing.map((part) => `PREFECT_SERVER_DATABASE_${part}`);
    return refuse([
      {
        at: 'database',
        what: `PREFECT_SERVER_DATABASE_DRIVER is ${POSTGRESQL}, and ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not set`,
        fix: 'Set what is missing, or say --url',
      },
    ]);
  }
  const part = (name: string): string => encodeURIComponent(read(environment, name)?.value ?? '');
  const password = read(environment, 'PASSWORD') === undefined ? '' : `:${part('PASSWORD')}`;
  const host = read(environment, 'HOST')?.value ?? '';
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const port = read(environment, 'PORT')?.value ?? '5432';
  return `${POSTGRESQL}://${part('USER')}${password}@${address}:${port}/${part('NAME')}`;
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && /^(1|true|t|yes|y|on)$/i.test(value);
}

function refuse(issues: readonly Issue[]): never {
  throw new ValidationError('database', issues);
}
