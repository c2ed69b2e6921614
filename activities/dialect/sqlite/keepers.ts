import { sql } from 'kysely';

import type { CatalogColumn, CatalogTable } from '../catalog.ts';
import type { Connection } from './connection.ts';

/**
 * The triggers of a table that may keep a row as it is, since they say `raise(ignore)`, and those that may raise an error.
 */
export async function readKeepers(
  connection: Connection,
  table: string,
): Promise<Required<Pick<CatalogTable, 'keepers' | 'refusers'>>> {
  const { rows } = await connection.run(sql<{ name: string; text: string }>`
    select name, sql as text
    from main.sqlite_schema
    where type = 'trigger' and tbl_name = ${table} collate nocase
    order by name`);
  const listOf = (raises: RegExp): { name: string; on: 'delete' | 'update' }[] =>
    rows
      .filter(({ text }) => raises.test(text))
      .flatMap(({ name, text }) => {
        const [head = ''] = text.split(/\bbegin\b/i);
        return (['delete', 'update'] as const)
          .filter((on) => new RegExp(`\\b${on}\\b`, 'i').test(head))
          .map((on) => ({ name, on }));
      });
  return {
    keepers: listOf(/\braise\s*\(\s*ignore/i).map((trigger) => ({ ...trigger, columns: null })),
    refusers: listOf(/\braise\s*\(\s*(?:abort|fail|rollback)/i),
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
