import { resolve } from 'node:path';

import { ValidationError } from '../../../policy/issue.ts';

/** Whether a URL names a SQLite file, by its scheme; with a driver of SQLAlchemy or without one. */
export function isSqliteUrl(url: string): boolean {
  return /^sqlite(\+[a-z0-9_]+)?:/i.test(url.trim());
}

/**
 * The path of a file, as SQLAlchemy reads its URL: `sqlite:///relative.db`, `sqlite:////absolute.db`. Throws a
 * `ValidationError`, without the URL, if it names no file.
 */
export function readSqlitePath(url: string): string {
  const [, path = ''] = /^sqlite(?:\+[a-z0-9_]+)?:\/\/\/([^?]*)/i.exec(url.trim()) ?? [];
  if (path === '' || path.startsWith(':memory:') || /^file:/i.test(path)) {
    throw new ValidationError('database URL', [
      {
        at: 'database URL',
        what: 'it names no SQLite file: a database in memory belongs to one process alone',
        fix: "Write it like 'sqlite:////absolute/path.db' or 'sqlite:///relative/path.db'",
      },
    ]);
  }
  return resolve(path);
}
