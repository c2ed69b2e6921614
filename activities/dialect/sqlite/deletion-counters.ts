import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { DeletionCounters } from '../batch-lock.ts';
import type { Connection } from './connection.ts';
import { quoteIdentifier } from './identifiers.ts';

/**
 * Counts the rows that are deleted from some tables, by temporary triggers: they see what foreign keys and the application's
 * own triggers delete, and are undone with the transaction. Those of other connections do not fire them.
 */
export async function startCounting(connection: Connection, tables: readonly TableName[]): Promise<void> {
  await connection.run(sql`
    create temp table if not exists _vacuum_deleted (label text primary key, rows integer not null)`);
  await connection.run(sql`delete from temp._vacuum_deleted`);
  for (const table of tables) await connection.run(countDeletes(table));
}

/** The rows deleted since, by label, without the zeros. */
export async function readDeleted(
  connection: Connection,
  { tables }: DeletionCounters,
): Promise<Record<string, number>> {
  if (tables.length === 0) return {};
  const labels = JSON.stringify(tables.map(({ label }) => label));
  const { rows } = await connection.run(sql<{ label: string; rows: number }>`
    select label, rows
    from temp._vacuum_deleted
    where rows > 0 and label in (select value from json_each(${labels}))`);
  return Object.fromEntries(rows.map(({ label, rows: deleted }) => [label, deleted]));
}

/** Makes the trigger that counts deleted rows of a table, if it is not there. Inside of a trigger no value can be bound. */
function countDeletes({ name, label }: TableName): RawBuilder<unknown> {
  const text = `'${label.replaceAll("'", "''")}'`;
  return sql.raw(`
    create temp trigger if not exists ${quoteIdentifier(`_vacuum_count_${name}`)}
    after delete on main.${quoteIdentifier(name)}
    begin
      insert into _vacuum_deleted (label, rows) values (${text}, 1)
      on conflict (label) do update set rows = rows + 1;
    end`);
}
