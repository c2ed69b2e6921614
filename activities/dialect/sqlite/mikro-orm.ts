import type { MikroORM } from '@mikro-orm/core';

import { ValidationError } from '../../../policy/issue.ts';

/**
 * Throws a `ValidationError` if a MikroORM instance is on SQLite. It would have the file open in this process with what may be
 * another copy of the library, and two copies take each other's locks away, which damages the file.
 */
export function refuseSqliteOrm({ config }: MikroORM): void {
  const driver = config.getDriver().constructor.name;
  if (!/sqlite|libsql/i.test(driver)) return;
  throw new ValidationError('database', [
    {
      at: 'database',
      what: `a MikroORM instance on SQLite (${driver}) is not supported: it may bring another copy of SQLite into this process, and two copies damage a file that both have open`,
      fix: "Give the URL of the file to a worker in a process of its own: 'sqlite:////path/to/file.db'",
    },
  ]);
}
