import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import type { MikroORM } from '@mikro-orm/core';
import { sql } from 'kysely';

import { ValidationError } from '../../../policy/issue.ts';
import type { ConnectedSession } from '../dialect.ts';
import type { Connection } from './connection.ts';
import { readSqliteError } from './errors.ts';
import { SqliteFile } from './file.ts';
import { assertSameLibrary } from './mikro-orm.ts';
import { SqliteSession } from './session.ts';

/** File systems of other machines, by the number that the kernel gives them: they share no memory and no locks. */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
]);

/** Opens a SQLite file. Connects only when it is first used, and then throws a `ValidationError` if it cannot be used. */
export function connectSqlite(path: string, ledgerSchema: string, orm?: MikroORM): ConnectedSession {
  const check = async (run: Connection['run']): Promise<void> => {
    checkFile(path);
    if (orm !== undefined) await assertSameLibrary(orm);
    await checkLibrary(run);
  };
  const file = new SqliteFile(path, ledgerSchema, check, orm);
  return { session: new SqliteSession(file), close: async () => file.close() };
}

/** What can be known without SQLite. */
function checkFile(path: string): void {
  try {
    createRequire(import.meta.url).resolve('better-sqlite3');
  } catch {
    refuse(
      'the package better-sqlite3 is missing, which reads SQLite files',
      'npm install better-sqlite3@13',
    );
  }
  if (!existsSync(path))
    refuse(
      'there is no such file',
      'Check the URL: three slashes for a relative path, four for an absolute one',
      path,
    );
  for (const [what, place] of [
    ['the file', path],
    ['the folder of the file', dirname(path)],
  ] as const) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK);
    } catch {
      refuse(
        `${what} cannot be written by the user of this process`,
        'Run it as the user of the application, who owns the file',
        place,
      );
    }
  }
  const remote = REMOTE.get(readFileSystem(path));
  if (remote !== undefined) {
    refuse(
      `the file lies on a network file system (${remote}), where SQLite cannot share it between machines`,
      'Run the worker on the machine that has the file',
      path,
    );
  }
}

function readFileSystem(path: string): number {
  try {
    return statfsSync(path).type;
  } catch {
    return 0;
  }
}

/** What SQLite says of itself and of the file. */
async function checkLibrary(run: Connection['run']): Promise<void> {
  let found;
  try {
    found = await run(sql<{ version: string; mode: string }>`
      select sqlite_version() as version, journal_mode as mode from pragma_journal_mode`);
  } catch (error) {
    if (isLibraryUnusable(error)) {
      refuse(
        'the package better-sqlite3 has no library that runs on this machine with this Node.js',
        'npm install better-sqlite3@13 on a machine of this kind, and run with the same Node.js',
      );
    }
    const known = readSqliteError(error);
    if (known === undefined || known.verdict !== 'stop') throw error;
    const fix = 'Check that the URL names the database of the application';
    return refuse(known.meaning, fix, known.names === '' ? undefined : known.names);
  }
  const { version = '', mode = '' } = found.rows[0] ?? {};
  if (mode.toLowerCase() !== 'wal') {
    refuse(
      `the journal mode of the file is ${mode}, in which readers and the vacuum would lock each other out`,
      'Have the application set it once: pragma journal_mode = wal',
    );
  }
  if (hasWalBug(version)) {
    refuse(
      `SQLite ${version} can damage a file that two processes write and checkpoint at the same moment`,
      'npm install better-sqlite3@13, which brings a version without that bug',
    );
  }
}

/** Of a package that was copied from another machine, the native part is missing or cannot be loaded. */
function isLibraryUnusable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED';
}

/** SQLite 3.7.0 to 3.51.2 lose what was committed when a checkpoint resets the log; mended in 3.51.3, 3.50.7 and 3.44.6. */
export function hasWalBug(version: string): boolean {
  const [, minor = 0, patch = 0] = version.split('.').map(Number);
  if (minor === 50) return patch < 7;
  if (minor === 44) return patch < 6;
  return minor < 51 || (minor === 51 && patch < 3);
}

function refuse(what: string, fix: string, here?: string): never {
  throw new ValidationError('database', [
    { at: 'database', what, fix, ...(here === undefined ? {} : { here }) },
  ]);
}
