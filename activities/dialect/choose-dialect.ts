import type { MikroORM } from '@mikro-orm/core';

import type { ConnectedSession } from './dialect.ts';
import type { GivenDatabase } from './postgresql/connect.ts';
import { connectPostgres } from './postgresql/connect.ts';
import { displayUrl as displayPostgresUrl, findServers } from './postgresql/hosts.ts';
import { connectSqlite } from './sqlite/connect.ts';
import { isSqliteOrm, readOrmPath } from './sqlite/mikro-orm.ts';
import { isSqliteUrl, readSqlitePath } from './sqlite/url.ts';

export type { GivenDatabase };

/**
 * Opens a database by the dialect that its URL names. Connects only when it is first used. `maxSessions` is for a URL of
 * PostgreSQL.
 */
export function openSession(
  given: GivenDatabase,
  ledgerSchema: string,
  maxSessions: number,
): ConnectedSession {
  if (typeof given === 'string' && isSqliteUrl(given))
    return connectSqlite(readSqlitePath(given), ledgerSchema);
  if (isMikroOrm(given) && isSqliteOrm(given)) return connectSqlite(readOrmPath(given), ledgerSchema, given);
  return connectPostgres(given, ledgerSchema, maxSessions);
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
