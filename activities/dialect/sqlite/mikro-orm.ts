import { createRequire } from 'node:module';
import { resolve } from 'node:path';

import type { MikroORM } from '@mikro-orm/core';

import { ValidationError } from '../../../policy/issue.ts';

/** Whether an instance is on SQLite, by the name of its driver. */
export function isSqliteOrm({ config }: MikroORM): boolean {
  return /sqlite|libsql/i.test(config.getDriver().constructor.name);
}

/** The file of an instance. Throws a `ValidationError` if it has none. */
export function readOrmPath({ config }: MikroORM): string {
  const name = config.get('dbName') ?? '';
  if (name === '' || name.startsWith(':memory:') || /^file:/i.test(name)) {
    refuse(
      'the MikroORM instance names no SQLite file: a database in memory belongs to one connection alone',
      'Set its dbName to the path of a file',
    );
  }
  return resolve(name);
}

/**
 * Throws a `ValidationError` unless the instance works with the very copy of better-sqlite3 that the vacuum has. POSIX locks
 * belong to the process: if one of two copies of SQLite closes the file, the locks of the other are released, and writers damage
 * the file ("How To Corrupt An SQLite Database File", 2.2.1).
 */
export async function assertSameLibrary(orm: MikroORM): Promise<void> {
  const driver = orm.config.getDriver();
  const connection = driver.getConnection() as { getNativeClient?: () => Promise<object> };
  const own = createRequire(import.meta.url)('better-sqlite3') as unknown;
  // Drivers without a native client throw: node:sqlite is a copy of its own.
  const client = await connection.getNativeClient?.().catch(() => undefined);
  if (client?.constructor === own) return;
  refuse(
    `the MikroORM instance (${driver.constructor.name}) works with another copy of SQLite than the vacuum's better-sqlite3, and two copies in one process damage a file that both have open`,
    "Have one better-sqlite3 for @mikro-orm/sqlite and the vacuum, as npm ls better-sqlite3 shows. Or give the URL of the file to a worker in a process of its own: 'sqlite:////path/to/file.db'",
  );
}

function refuse(what: string, fix: string): never {
  throw new ValidationError('database', [{ at: 'database', what, fix }]);
}
