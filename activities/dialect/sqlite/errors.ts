import type { DatabaseError, ErrorKind, Verdict } from '../database-error.ts';
import { CANCELLED, IDLE, NO_INSTANT } from './thread-messages.ts';

/** An error of SQLite, as its thread reported it. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The code if a batch took longer than it may: nothing was wrong with the database. */
const OUT_OF_TIME = 'SQLITE_VACUUM_TIMEOUT';

/** A transaction took longer than it may. */
export function outOfTime(): SqliteError {
  return new SqliteError(OUT_OF_TIME, 'the transaction took too long');
}

type Meaning = readonly [Verdict, ErrorKind, string];

/** By the first part of the code that is known, the longest first. */
const MEANINGS: readonly (readonly [string, Meaning])[] = [
  [OUT_OF_TIME, ['shrink', 'timeout', 'a transaction took too long']],
  [CANCELLED, ['shrink', 'timeout', 'a statement was cancelled']],
  [IDLE, ['retry', 'other', 'the transaction was idle for too long']],
  [NO_INSTANT, ['stop', 'other', 'a filter compares dates']],
  ['SQLITE_BUSY', ['retry', 'busy', 'another process holds the write lock of the file']],
  ['SQLITE_LOCKED', ['retry', 'busy', 'another connection holds the file']],
  ['SQLITE_FULL', ['wait', 'disk full', 'the disk is full']],
  ['SQLITE_IOERR', ['wait', 'other', 'the disk has an I/O error']],
  ['SQLITE_NOMEM', ['wait', 'other', 'the process is out of memory']],
  ['SQLITE_READONLY', ['stop', 'not permitted', 'the file or its folder cannot be written']],
  ['SQLITE_PERM', ['stop', 'not permitted', 'the file cannot be used']],
  ['SQLITE_AUTH', ['stop', 'not permitted', 'the file cannot be used']],
  ['SQLITE_CANTOPEN', ['stop', 'not permitted', 'the file cannot be opened']],
  ['SQLITE_CORRUPT', ['stop', 'other', 'the file is damaged']],
  ['SQLITE_NOTADB', ['stop', 'other', 'the file is no SQLite database, or a newer SQLite wrote it']],
  [
    'SQLITE_CONSTRAINT_FOREIGNKEY',
    ['stop', 'row forbidden', 'a foreign key forbids the deletion: other rows still point at these'],
  ],
  ['SQLITE_CONSTRAINT', ['stop', 'row forbidden', 'a constraint or a trigger forbids it']],
  ['SQLITE_SCHEMA', ['retry', 'other', 'the tables were changed meanwhile']],
  ['SQLITE_ERROR', ['stop', 'other', 'a statement does not fit this database']],
];

/** What an error of SQLite means; undefined if it is none. */
export function readSqliteError(error: unknown): DatabaseError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (!('code' in at) || typeof at.code !== 'string' || !at.code.startsWith('SQLITE_')) continue;
    const { code } = at;
    const found = MEANINGS.find(([prefix]) => code.startsWith(prefix));
    const [verdict, kind, meaning] = found?.[1] ?? ['doubt', 'other', 'the database reported an error'];
    return {
      code,
      kind,
      meaning,
      verdict,
      names: code === NO_INSTANT ? at.message : listNames(at.message),
      text: undefined,
    };
  }
  return undefined;
}

/** Where the library names an object. The rest of such a message is no row content either; that of a trigger may be. */
const NAMES: readonly (readonly [what: string, where: RegExp])[] = [
  ['column', /^(?:NOT NULL|UNIQUE) constraint failed: (?<object>[^\n]+)$/],
  // Without a name SQLite gives the expression.
  ['constraint', /^CHECK constraint failed: (?<object>\w+)$/],
  ['table', /^no such table: (?<object>\S+)$/],
  ['column', /^no such column: (?<object>\S+)$/],
  ['function', /^no such function: (?<object>\S+)$/],
];

/** What SQLite names of the objects that an error is about, as the end of a sentence; empty if it names none. */
function listNames(message: string): string {
  for (const [what, where] of NAMES) {
    const object = where.exec(message)?.groups?.['object'];
    if (object !== undefined && object !== '') return `${what} ${object}`;
  }
  return '';
}
