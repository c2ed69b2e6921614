import type { MikroORM } from '@mikro-orm/core';

import type { OpenSession } from './open-session.ts';
import { displayUrl as displayPostgresUrl, findServers } from './postgresql/hosts.ts';
import type { GivenDatabase } from './postgresql/open.ts';
import { openPostgres } from './postgresql/open.ts';
import { isSqliteOrm, readOrmPath } from './sqlite/mikro-orm.ts';
import { openSqlite } from './sqlite/open.ts';
import { isSqliteUrl, readSqlitePath } from './sqlite/url.ts';

export type { GivenDatabase };

/**
 * Opens a database by the dialect that its URL names. Connects only when it is first used. `maxSessions` is for a URL of
 * PostgreSQL.
 */
export function openSession(given: GivenDatabase, ledgerSchema: string, maxSessions: number): OpenSession {
  if (typeof given === 'string' && isSqliteUrl(given)) return openSqlite(readSqlitePath(given), ledgerSchema);
  if (isMikroOrm(given) && isSqliteOrm(given)) return openSqlite(readOrmPath(given), ledgerSchema, given);
  return openPostgres(given, ledgerSchema, maxSessions);
}

function isMikroOrm(given: GivenDatabase): given is MikroORM {
  return typeof given === 'object' && 'em' in given && 'getMetadata' in given;
}

/**
 * A database URL that {@link openSession} takes, in the forms of libpq and SQLAlchemy. Throws a `ValidationError`, without
 * the URL, if no dialect understands it.
 */
export function readUrl(url: string): string {
  if (isSqliteUrl(url)) return `sqlite:///${readSqlitePath(url)}`;
  findServers(url);
  return url;
}

/** What a URL names, for messages: never the user or the password. */
export function displayUrl(url: string): string {
  return isSqliteUrl(url) ? `file ${readSqlitePath(url)}` : displayPostgresUrl(url);
}
