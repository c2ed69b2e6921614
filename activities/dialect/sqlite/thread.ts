import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

import { readInstant } from './read-instant.ts';
import type { SqliteValue, ThreadOptions, ThreadReply, ThreadRequest } from './thread-messages.ts';
import { CANCELLED, IDLE, NO_INSTANT } from './thread-messages.ts';

/*
 * One connection to a SQLite file, in a thread of its own: the library is synchronous, and a statement of seconds would stop
 * the heartbeats of the process that it runs in. This file runs in the thread only.
 */

/** The part of better-sqlite3 that is used. It is an optional package, so that its types may be missing. */
interface Library {
  readonly inTransaction: boolean;
  prepare(sql: string): LibraryStatement;
  exec(sql: string): unknown;
  function(name: string, options: object, work: (...values: unknown[]) => unknown): unknown;
  close(): void;
}

interface LibraryStatement {
  readonly reader: boolean;
  all(...values: readonly SqliteValue[]): object[];
  run(...values: readonly SqliteValue[]): { readonly changes: number };
}

/** So many statements stay prepared. */
const MAX_STATEMENTS = 200;
/** Has no columns, and yet a step for each page, of which `run` makes the first only. */
const STEPPED = /^pragma incremental_vacuum\b/;
/** The flag is read once for so many rows: 0.12 us a row. */
const ROWS_PER_LOOK = 1024;

const { file, readOnly, pragmas, idleMillis, cancelled } = workerData as ThreadOptions;
const flag = new Int32Array(cancelled);
const statements = new Map<string, LibraryStatement>();
let opened: Library | undefined;
let idle: NodeJS.Timeout | undefined;
let wasIdle = false;

const Database = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options: object,
) => Library;
parentPort?.on('message', (request: ThreadRequest | 'close') => {
  if (request !== 'close') {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort?.postMessage(respond(request));
    return;
  }
  clearTimeout(idle);
  opened?.close();
  parentPort?.close();
});

/**
 * Opens the connection, with the first statement: the file may be locked for a moment, and the next try may succeed.
 * Checkpoints are made outside of transactions, and never by a commit. A power cut may lose the last commits, whole.
 */
function open(): Library {
  if (opened !== undefined) return opened;
  const db = new Database(file, { readonly: readOnly, fileMustExist: true, timeout: 0 });
  try {
    db.exec('pragma foreign_keys = on');
    if (pragmas !== 'none') {
      db.exec('pragma synchronous = normal');
      db.exec('pragma wal_autocheckpoint = 0');
      db.exec('pragma cache_size = -65536');
    }
  } catch (error) {
    db.close();
    throw error;
  }
  let rows = 0;
  db.function('vacuum_goes_on', { deterministic: false }, () => {
    rows += 1;
    if (rows % ROWS_PER_LOOK === 0 && Atomics.load(flag, 0) !== 0) {
      throw Object.assign(new Error('the statement was asked to end'), { code: CANCELLED });
    }
    return 1;
  });
  db.function('vacuum_instant', { deterministic: true }, (value, column) => {
    const instant = readInstant(value);
    if (instant === undefined) {
      const message = `column ${String(column)} has a value that is no instant in a known form`;
      throw Object.assign(new Error(message), { code: NO_INSTANT });
    }
    return instant;
  });
  opened = db;
  return db;
}

function respond({ id, sql, values }: ThreadRequest): ThreadReply {
  clearTimeout(idle);
  try {
    if (wasIdle) throw Object.assign(new Error('the transaction was idle for too long'), { code: IDLE });
    return { id, ...execute(sql, values) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'SQLITE_ERROR';
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  } finally {
    // Whoever ends the transaction knows by then.
    if (sql === 'rollback') wasIdle = false;
    if (opened?.inTransaction === true) idle = setTimeout(endIdle, idleMillis);
  }
}

function execute(
  sql: string,
  values: readonly SqliteValue[],
): { readonly rows: readonly object[]; readonly changes: number } {
  if (STEPPED.test(sql)) {
    open().exec(sql);
    return { rows: [], changes: 0 };
  }
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = open().prepare(sql);
    statements.set(sql, statement);
    const [oldest] = statements.keys();
    if (statements.size > MAX_STATEMENTS && oldest !== undefined) statements.delete(oldest);
  }
  if (statement.reader) return { rows: statement.all(...values), changes: 0 };
  return { rows: [], changes: statement.run(...values).changes };
}

function endIdle(): void {
  if (opened?.inTransaction !== true) return;
  opened.exec('rollback');
  wasIdle = true;
}
