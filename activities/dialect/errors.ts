import type { DatabaseError } from './database-error.ts';
import { readPostgresError } from './postgresql/errors.ts';
import { readSqliteError } from './sqlite/errors.ts';

/** What an error of a driver means; undefined if it does not come from a database. */
export function readDatabaseError(error: unknown): DatabaseError | undefined {
  return readSqliteError(error) ?? readPostgresError(error);
}

/** Whether a statement took too long or was cancelled. */
export function isTimeout(error: unknown): boolean {
  return readDatabaseError(error)?.kind === 'timeout';
}

/** Whether the database refuses for good, so that a person must change something. */
export function isRefused(error: unknown): boolean {
  return readDatabaseError(error)?.verdict === 'stop';
}
