import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The part of better-sqlite3 that tests use: past the seam, as another process would. */
interface Library {
  pragma(text: string): unknown;
  exec(text: string): unknown;
  prepare(text: string): {
    all(...values: unknown[]): unknown[];
    run(...values: unknown[]): { changes: number };
  };
  close(): void;
}

/** A SQLite file of a test's own. */
export interface TestFile {
  readonly path: string;
  readonly url: string;
  /** Runs statements that return nothing. */
  execute(text: string): void;
  /** Rows of a statement. */
  rows<T = Record<string, unknown>>(text: string, values?: readonly unknown[]): T[];
  /** The only value of a statement. */
  value(text: string, values?: readonly unknown[]): number;
  /** Closes it, as its application does when it ends. */
  close(): void;
  drop(): void;
}

/** Makes a file in write-ahead mode with some tables. */
export function createFile(schema: string): TestFile {
  const folder = mkdtempSync(join(tmpdir(), 'vacuum-sqlite-'));
  return openFile(join(folder, 'test.db'), schema, folder);
}

/** Opens a file that is there; with a folder, that is removed in the end. */
export function openFile(path: string, schema = '', folder?: string): TestFile {
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (
    path: string,
    options: object,
  ) => Library;
  const db = new Database(path, { timeout: 10_000 });
  db.pragma('journal_mode = wal');
  db.pragma('foreign_keys = on');
  db.exec(schema);
  const rows = <T>(text: string, values: readonly unknown[] = []): T[] =>
    db.prepare(text).all(...values) as T[];
  return {
    path,
    url: `sqlite:///${path}`,
    execute: (text) => void db.exec(text),
    rows,
    value: (text, values = []) =>
      Object.values(rows<Record<string, number>>(text, values)[0] ?? {})[0] ?? Number.NaN,
    close: () => db.close(),
    drop: () => {
      db.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
