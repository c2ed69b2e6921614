import { ValidationError } from '../../../policy/issue.ts';

/**
 * A database URL as `pg` takes it. Understands SQLAlchemy's drivers in the scheme (`postgresql+asyncpg://`) and
 * asyncpg's `ssl`. Throws a `ValidationError`, without the URL, if it is no PostgreSQL URL.
 */
export function toPgUrl(url: string): string {
  if (url.trim() === '') refuse('it is empty', 'Check the variable that it comes from');
  const scheme = /^([a-z0-9]+)(\+[a-z0-9]+)?:/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    refuse(
      'it is neither a PostgreSQL nor a SQLite URL',
      "Write it like 'postgresql://user:password@host:5432/database' or 'sqlite:////path/to/file.db'",
    );
  }
  const plain = url.replace(/^[^:]+:/, 'postgresql:');
  if (!URL.canParse(plain)) refuse('it is no URL', 'Percent-encode special characters in user and password');
  const parsed = new URL(plain);
  setSslMode(parsed.searchParams);
  return parsed.toString();
}

/** asyncpg's words that are no mode of libpq. */
const SSL_WORDS: Readonly<Record<string, string>> = { true: 'require', false: 'disable' };

/**
 * Modes mean what they mean to libpq and asyncpg: `require` encrypts and does not verify, which `pg` would take as
 * `verify-full`. `prefer` and `allow` work without TLS too, which `pg` cannot fall back to: they are taken as no TLS.
 */
function setSslMode(params: URLSearchParams): void {
  const ssl = params.get('ssl');
  params.delete('ssl');
  const mode = params.get('sslmode') ?? (ssl === null ? null : (SSL_WORDS[ssl] ?? ssl));
  if (mode === null) return;
  if (mode === 'prefer' || mode === 'allow' || mode === 'disable') {
    params.set('sslmode', 'disable');
    return;
  }
  params.set('sslmode', mode);
  if (!params.has('uselibpqcompat')) params.set('uselibpqcompat', 'true');
}

/** Host, port and database of a URL, for messages: never the user or the password. */
export function displayUrl(url: string): string {
  const plain = url.replace(/^[^:]+:/, 'postgresql:');
  if (!URL.canParse(plain)) return 'a database';
  const { hostname, port, pathname } = new URL(plain);
  return `${pathname.slice(1) || 'default database'} at ${hostname || 'localhost'}:${port || '5432'}`;
}

function refuse(what: string, fix: string): never {
  throw new ValidationError('database URL', [{ at: 'database URL', what, fix }]);
}
