import type { OpenSession } from './open-session.ts';
import type { GivenDatabase } from './postgresql/open.ts';
import { openPostgres } from './postgresql/open.ts';
import { displayUrl as displayPostgresUrl, toPgUrl } from './postgresql/url.ts';

export type { GivenDatabase };

/**
 * Opens a database by the dialect that its URL, or the driver of its MikroORM instance, names. Connects only when it is first
 * used. `maxSessions` is for a URL.
 */
export function openSession(given: GivenDatabase, ledgerSchema: string, maxSessions: number): OpenSession {
  return openPostgres(given, ledgerSchema, maxSessions);
}

/**
 * A database URL as {@link openSession} takes it, understood as SQLAlchemy writes it too. Throws a `ValidationError`, without
 * the URL, if no dialect understands it.
 */
export function readUrl(url: string): string {
  return toPgUrl(url);
}

/** What a URL names, for messages: never the user or the password. */
export function displayUrl(url: string): string {
  return displayPostgresUrl(url);
}
