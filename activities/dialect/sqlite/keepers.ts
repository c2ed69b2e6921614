import { sql } from 'kysely';

import type { CatalogColumn, CatalogTable } from '../catalog.ts';
import type { Connection } from './connection.ts';

/** What a trigger updates or inserts into, by its text. */
const WRITES =
  /\b(?:update(?:\s+or\s+\w+)?|(?:insert(?:\s+or\s+\w+)?|replace)\s+into)\s+(?:main\s*\.\s*)?["`[]?(?<table>\w+)/gi;
/** A row that replaces another deletes it. */
const DELETES = /\bdelete\s+from\b|\bor\s+replace\b|\breplace\s+into\b/i;

/**
 * The triggers of a table that may keep a row as it is, since they say `raise(ignore)`, those that may raise an error, and those
 * that write other rows.
 */
export async function readKeepers(
  connection: Connection,
  table: string,
): Promise<Required<Pick<CatalogTable, 'keepers' | 'refusers' | 'writers'>>> {
  const { rows } = await connection.run(sql<{ name: string; text: string }>`
    select name, sql as text
    from main.sqlite_schema
    where type = 'trigger' and tbl_name = ${table} collate nocase
    order by name`);
  const triggers = rows.flatMap(({ name, text }) => {
    const [head = ''] = text.split(/\bbegin\b/i);
    const body = text.slice(head.length);
    return (['delete', 'update'] as const)
      .filter((on) => new RegExp(`\\b${on}\\b`, 'i').test(head))
      .map((on) => ({ name, on, body }));
  });
  const listOf = (raises: RegExp): { name: string; on: 'delete' | 'update' }[] =>
    triggers.filter(({ body }) => raises.test(body)).map(({ name, on }) => ({ name, on }));
  return {
    keepers: listOf(/\braise\s*\(\s*ignore/i).map((trigger) => ({ ...trigger, columns: null })),
    refusers: listOf(/\braise\s*\(\s*(?:abort|fail|rollback)/i),
    writers: triggers
      .map(({ name, on, body }) => ({
        name,
        on,
        deletes: DELETES.test(body),
        writes: [...body.matchAll(WRITES)].map(({ groups }) => (groups?.['table'] ?? '').toLowerCase()),
      }))
      .filter(({ deletes, writes }) => deletes || writes.length > 0),
  };
}

/** The columns that stand after the word `check` in the statement that makes a table: all that a check can be about. */
export async function readChecked(
  connection: Connection,
  table: string,
  columns: readonly CatalogColumn[],
): Promise<string[]> {
  const { rows } = await connection.run(sql<{ text: string }>`
    select sql as text from main.sqlite_schema where type = 'table' and name = ${table}`);
  const { text = '' } = rows[0] ?? {};
  const at = text.search(/\bcheck\s*\(/i);
  if (at === -1) return [];
  const after = text.slice(at).toLowerCase();
  return columns.map(({ name }) => name).filter((name) => after.includes(name.toLowerCase()));
}
