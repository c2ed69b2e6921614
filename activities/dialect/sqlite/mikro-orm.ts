import { createRequire } from 'node:module';
import { resolve } from 'node:path';

import type { MikroORM } from '@mikro-orm/core';

import { ValidationError } from '../../../policy/issue.ts';

/**
 * The file of a MikroORM instance on SQLite; undefined for another database. Throws a `ValidationError` if the instance
 * cannot be used: two copies of SQLite in one process take each other's locks away, which damages the file.
 */
export function findOrmFile({ config }: MikroORM): string | undefined {
  const driver = config.getDriver().constructor.name;
  if (!/sqlite|libsql/i.test(driver)) return undefined;
  const dbName = String(config.get('dbName') ?? '');
  if (dbName === '' || dbName.startsWith(':memory:')) {
    refuse('it is in memory, and belongs to one connection alone', 'Use a file');
  }
  if (!hasOneCopy()) {
    refuse(
      `its driver ${driver} may bring another copy of SQLite into this process than better-sqlite3, and two copies damage a file that both have open`,
      'Give the URL of the file to a worker in a process of its own, or use @mikro-orm/sqlite with the same better-sqlite3',
    );
  }
  return resolve(dbName);
}

/** Whether MikroORM's package for SQLite uses the very library that is used here. */
function hasOneCopy(): boolean {
  const own = createRequire(import.meta.url);
  try {
    const theirs = createRequire(own.resolve('@mikro-orm/sqlite'));
    return theirs.resolve('better-sqlite3') === own.resolve('better-sqlite3');
  } catch {
    return false;
  }
}

function refuse(what: string, fix: string): never {
  throw new ValidationError('database', [
    { at: 'database', what: `the MikroORM instance cannot be used: ${what}`, fix },
  ]);
}
