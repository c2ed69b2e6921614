import { expect, test } from '@jest/globals';

import { describeDatabaseError } from '../../../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../../../activities/dialect/read-error.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

// The library names tables and columns in its messages only. They are names; what a trigger says may be the content of a row.

const SCHEMA = `
  create table owner (id integer primary key, name text not null check (name <> 'x'), code integer unique,
    constraint short check (length(name) < 9));
  create table thing (id integer primary key, owner_id integer not null references owner (id) on delete set null);
  create trigger no before delete on owner when old.id = 2 begin select raise(abort, 'secret 4711'); end;
  insert into owner values (1, 'a', 1), (2, 'b', 2);
  insert into thing values (1, 1)`;

function describe(file: TestFile, statement: string): string {
  try {
    file.execute(statement);
  } catch (error) {
    const found = readDatabaseError(error);
    return found === undefined ? `unknown: ${String(error)}` : describeDatabaseError(found);
  }
  return 'no error';
}

test('an error of SQLite is a sentence with what the library names, and with no content of rows', () => {
  const file = createFile(SCHEMA);
  const described = [
    'delete from owner where id = 1',
    'delete from owner where id = 2',
    'update owner set code = 1 where id = 2',
    "update owner set name = 'x'",
    "update owner set name = 'much too long'",
    'delete from nowhere',
    'select color from owner',
    'select nosuch(1)',
    'delete from',
  ].map((statement) => describe(file, statement));
  file.drop();
  expect(described).toEqual([
    'a constraint or a trigger forbids it, column thing.owner_id (SQLITE_CONSTRAINT_NOTNULL)',
    'a constraint or a trigger forbids it (SQLITE_CONSTRAINT_TRIGGER)',
    'a constraint or a trigger forbids it, column owner.code (SQLITE_CONSTRAINT_UNIQUE)',
    'a constraint or a trigger forbids it (SQLITE_CONSTRAINT_CHECK)',
    'a constraint or a trigger forbids it, constraint short (SQLITE_CONSTRAINT_CHECK)',
    'a statement does not fit this database, table nowhere (SQLITE_ERROR)',
    'a statement does not fit this database, column color (SQLITE_ERROR)',
    'a statement does not fit this database, function nosuch (SQLITE_ERROR)',
    'a statement does not fit this database (SQLITE_ERROR)',
  ]);
});
