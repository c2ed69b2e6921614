import { MistakesError } from '../../policy/mistake.ts';

/**
 * A database URL as `pg` takes it. Understands SQLAlchemy's drivers in the scheme (`postgresql+asyncpg://`) and
 * asyncpg's `ssl`. Throws a `MistakesError`, without the URL, for what is no PostgreSQL URL.
 */
export function toPgUrl(url: string): string {
  const scheme = /^([a-z0-9]+)(\+[a-z0-9]+)?:/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'sqlite')
    refuse('it is a SQLite database, which this version cannot clean', 'Name a PostgreSQL database');
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    refuse('it is no PostgreSQL URL', "Write it like 'postgresql://user:password@host:5432/database'");
  }
  const plain = url.replace(/^[^:]+:/, 'postgresql:');
  if (!URL.canParse(plain)) refuse('it is no URL', 'Percent-encode special characters in user and password');
  const parsed = new URL(plain);
  const ssl = parsed.searchParams.get('ssl');
  if (ssl !== null) {
    parsed.searchParams.delete('ssl');
    if (!parsed.searchParams.has('sslmode')) {
      parsed.searchParams.set('sslmode', ssl === 'true' ? 'require' : ssl === 'false' ? 'disable' : ssl);
    }
  }
  return parsed.toString();
}

/** Host, port and database of a URL, for messages: never the user or the password. */
export function sayDatabase(url: string): string {
  const plain = url.replace(/^[^:]+:/, 'postgresql:');
  if (!URL.canParse(plain)) return 'a database';
  const { hostname, port, pathname } = new URL(plain);
  return `${decodeURIComponent(pathname.slice(1)) || 'default database'} at ${hostname || 'localhost'}:${port || '5432'}`;
}

function refuse(what: string, fix: string): never {
  throw new MistakesError('database URL', [{ at: 'database URL', what, fix }]);
}
