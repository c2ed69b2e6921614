/**
 * What to do about a database error.
 *
 * - `shrink`: a smaller batch may get through (a lock or statement timeout, a deadlock);
 * - `retry`: the same again, soon (the connection or the server went away);
 * - `wait`: the same again, later: the server is out of something that a person may have to bring;
 * - `doubt`: nothing is known of it: the same again, a few times;
 * - `stop`: it will never work; a person must change something.
 */
export type Verdict = 'shrink' | 'retry' | 'wait' | 'doubt' | 'stop';

/** What happened, for those who act on more than the verdict. */
export type ErrorKind =
  /** A statement took too long or was cancelled. */
  | 'timeout'
  /** Somebody else holds a lock. */
  | 'lock'
  | 'deadlock'
  /** Somebody else holds the only write lock that there is, and nothing was done: the same again as often as it takes. */
  | 'busy'
  | 'disk full'
  /** The role may not do it, or the database is read-only. */
  | 'not permitted'
  /** A constraint or a trigger forbids to delete some row. */
  | 'row forbidden'
  | 'other';

/** What an error of the database means. */
export interface DatabaseError {
  /** The database's own code: an SQLSTATE of PostgreSQL, a result code of SQLite. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** Fixed text: never the driver's, which may carry row values. */
  readonly meaning: string;
  readonly verdict: Verdict;
  /** The constraint, table, column or function that the server named, as the end of a sentence; empty if it named none. */
  readonly names: string;
  /** What the server wrote, if such an error cannot carry row values; for this machine only. */
  readonly text: string | undefined;
}

/** An error as one sentence for this machine: it names tables. */
export function describeDatabaseError({ meaning, names, code, text }: DatabaseError): string {
  const about = names === '' ? '' : `, ${names}`;
  const server = text === undefined ? '' : `: ${text}`;
  return `${meaning}${about} (${formatCode(code)})${server}`;
}

/** The code of an error, and whose it is. */
export function formatCode(code: string): string {
  return code.startsWith('SQLITE_') ? code : `SQLSTATE ${code}`;
}
