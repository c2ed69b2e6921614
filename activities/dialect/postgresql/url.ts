import { isIP } from 'node:net';

import { ValidationError } from '../../../policy/issue.ts';

/** Where a server listens: a host, or a folder with its Unix socket (it begins with `/`). Undefined: not given. */
export interface Host {
  readonly host: string | undefined;
  readonly port: string | undefined;
}

/** The parts of a URL. What is undefined comes from the `PG*` variables of the environment. */
interface PostgresUrl {
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** In the order in which they are tried; at least one. */
  readonly hosts: readonly [Host, ...Host[]];
  readonly database: string | undefined;
  /** The rest of the query. */
  readonly parameters: URLSearchParams;
}

const ENCODE =
  'Percent-encode special characters in user, password and database: @ is %40, / is %2F, ? is %3F';

/**
 * Reads a database URL as libpq and SQLAlchemy write it: with drivers in the scheme (`postgresql+asyncpg://`), Unix sockets,
 * several hosts, and host, port, user, password and dbname in the query, where they win. Throws a `ValidationError`, without
 * any part of the URL, if it is none.
 */
export function parseUrl(url: string): PostgresUrl {
  if (url.trim() === '') refuse('it is empty', 'Check the variable that it comes from');
  const scheme = /^([a-z0-9]+)(\+[a-z0-9_]+)?:/i.exec(url);
  if (!/^postgres(ql)?$/i.test(scheme?.[1] ?? '')) {
    refuse(
      'it is neither a PostgreSQL nor a SQLite URL',
      "Write it like 'postgresql://user:password@host:5432/database' or 'sqlite:////path/to/file.db'",
    );
  }
  const rest = url.slice(scheme?.[0].length).trim();
  if (!rest.startsWith('//'))
    refuse('it has no // after its scheme', "Write it like 'postgresql://user@host/database'");
  // SQLAlchemy lets a password hold anything but @; the user ends at the first colon.
  const [all = '', user, password] = /^\/\/(?:([^:/?@]*)(?::([^@?]*))?@)?/.exec(rest) ?? [];
  const [, address = '', path, query = ''] =
    /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest.slice(all.length)) ?? [];
  if (`${address}${path ?? ''}`.includes('@')) refuse('it has more than one @', ENCODE);
  const parameters = new URLSearchParams(query);
  refuseUnread(parameters);
  const inQuery = takeHosts(parameters);
  const ports = take(parameters, 'port')?.split(',');
  return {
    user: take(parameters, 'user') ?? decode(user),
    password: take(parameters, 'password') ?? decode(password),
    hosts: withPorts(inQuery ?? readHosts(address, true), ports),
    database: take(parameters, 'dbname') ?? decode(path),
    parameters,
  };
}

/** Parameters that would lead elsewhere than the URL says, if nobody reads them. */
const UNREAD: Readonly<Record<string, string>> = {
  hostaddr: 'Write the address as host',
  service: 'Write host, port, user and database instead: pg_service.conf is not read',
  search_path: 'Write options=-csearch_path%3Dname',
  schema: 'Write options=-csearch_path%3Dname',
  currentSchema: 'Write options=-csearch_path%3Dname',
};

function refuseUnread(parameters: URLSearchParams): void {
  for (const [name, fix] of Object.entries(UNREAD)) {
    if (parameters.has(name)) refuse(`its parameter ${name} is not read`, fix);
  }
}

/** A parameter, which is then no longer among the others. Undefined if it is missing or empty. */
function take(parameters: URLSearchParams, name: string): string | undefined {
  const value = parameters.get(name) ?? '';
  parameters.delete(name);
  return value === '' ? undefined : value;
}

/** The hosts of the query: libpq separates them with commas, SQLAlchemy repeats the parameter, pg8000 names the socket. */
function takeHosts(parameters: URLSearchParams): readonly Host[] | undefined {
  const given = [...parameters.getAll('host'), ...parameters.getAll('unix_sock')].filter(
    (text) => text !== '',
  );
  for (const name of ['host', 'unix_sock']) parameters.delete(name);
  return given.length === 0 ? undefined : given.flatMap((text) => readHosts(text, false));
}

/** Hosts with their ports. In the address of a URL they are encoded, and an IPv6 address needs brackets. */
function readHosts(list: string, isAddress: boolean): readonly Host[] {
  return list.split(',').map((text) => {
    if (text.startsWith('/')) return readSocket(text);
    if (!isAddress && isIP(text) === 6) return { host: text, port: undefined };
    const parts = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d*))?$/.exec(text);
    if (parts === null) return refuseHost(text);
    const [, address, name, port = ''] = parts;
    const given = address ?? name ?? '';
    const host = isAddress ? decode(given) : given;
    const own = { port: port === '' ? undefined : checkPort(port) };
    if (host?.startsWith('/') === true) return { ...readSocket(host), ...own };
    if (/[\s/@]/.test(host ?? '')) refuse('its host is no name and no address', ENCODE);
    return { host: host === '' ? undefined : host, ...own };
  });
}

function refuseHost(text: string): never {
  if (text.split(':').length > 2)
    refuse('it has a host with several colons', `Write an IPv6 address in brackets: [::1]:5432. ${ENCODE}`);
  return refusePort();
}

/** A folder, or the file of the socket in it. */
function readSocket(path: string): Host {
  const [, folder = path, port] = /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(path) ?? [];
  return { host: folder, port };
}

function withPorts(hosts: readonly Host[], ports: readonly string[] | undefined): readonly [Host, ...Host[]] {
  if (ports !== undefined && ports.length !== 1 && ports.length !== hosts.length) {
    refuse('it has another number of ports than of hosts', 'Give one port, or one for each host');
  }
  const [first = { host: undefined, port: undefined }, ...others] = hosts.map(({ host, port }, index) => {
    const own = ports?.length === 1 ? ports[0] : ports?.[index];
    return { host, port: own === undefined || own === '' ? port : checkPort(own) };
  });
  return [first, ...others];
}

/** The port itself may be the begin of a password: it is not repeated. */
function checkPort(port: string): string {
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    refusePort();
  }
  return port;
}

function refusePort(): never {
  refuse('its port is no number from 1 to 65535', `Check the port. ${ENCODE}`);
}

/** As SQLAlchemy decodes: a % that begins no code stays. Undefined if it is empty. */
function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    return refuse('it has percent codes that are no UTF-8', ENCODE);
  }
}

/** Refuses a URL. The texts repeat nothing of it. */
export function refuse(what: string, fix: string): never {
  throw new ValidationError('database URL', [{ at: 'database URL', what, fix }]);
}
