import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Connection } from '../connection.ts';

/** Rows that passes delete: `number` of their table, `item` that deletes them, whether they are of its own table. */
export const DELETED = sql.id('temp', '_vacuum_preview');
/** Pointers that were moved: `number` of the pointer, `location` of the holder, `target` that it names now. */
export const MOVED = sql.id('temp', '_vacuum_moved');
/** The newest rows of groups, which stay: `number` of the list. */
export const NEWEST = sql.id('temp', '_vacuum_newest');

/** Makes the tables, empty. They are temporary: a preview writes nothing into the file. */
export async function makePreviewTables(connection: Connection): Promise<void> {
  await dropPreviewTables(connection);
  const statements: RawBuilder<unknown>[] = [
    sql`
      create temp table _vacuum_preview (
        number integer, location integer, item integer, root integer, primary key (number, location)
      ) without rowid`,
    sql`
      create temp table _vacuum_moved (
        number integer, location integer, target integer, primary key (number, location)
      ) without rowid`,
    sql`
      create temp table _vacuum_newest (
        number integer, location integer, retention_index integer, group_key text, primary key (number, location)
      ) without rowid`,
    sql`create index temp._vacuum_newest_group on _vacuum_newest (number, retention_index, group_key)`,
  ];
  for (const statement of statements) await connection.run(statement);
}

export async function dropPreviewTables(connection: Connection): Promise<void> {
  for (const table of [DELETED, MOVED, NEWEST]) await connection.run(sql`drop table if exists ${table}`);
}
