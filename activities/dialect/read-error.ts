import type { DatabaseError } from './database-error.ts';
import { RowsKeptByTrigger } from './kept-by-trigger.ts';
import { readPostgresError } from './postgresql/errors.ts';
import { readSqliteError } from './sqlite/errors.ts';

/** What an error of a driver means; undefined if it does not come from a database. */
export function readDatabaseError(error: unknown): DatabaseError | undefined {
  if (error instanceof RowsKeptByTrigger) return describeKept(error);
  return readSqliteError(error) ?? readPostgresError(error);
}

/** As if the database had raised SQLSTATE 09000, triggered action exception. */
function describeKept({ names, meaning }: RowsKeptByTrigger): DatabaseError {
  return { code: '09000', kind: 'row forbidden', meaning, verdict: 'stop', names, text: undefined };
}

/** Whether a statement took too long or was cancelled. */
export function isTimeout(error: unknown): boolean {
  return readDatabaseError(error)?.kind === 'timeout';
}

/** Whether the database refuses for good, so that a person must change something. */
export function isRefused(error: unknown): boolean {
  return readDatabaseError(error)?.verdict === 'stop';
}
