import { sql } from 'kysely';

import type { KeepingTrigger } from '../catalog.ts';
import type { Connection } from './connection.ts';

/** The triggers of a table that may keep a row as it is: those that say `raise(ignore)`. */
export async function readKeepers(connection: Connection, table: string): Promise<KeepingTrigger[]> {
  const { rows } = await connection.run(sql<{ name: string; text: string }>`
    select name, sql as text
    from main.sqlite_schema
    where type = 'trigger' and tbl_name = ${table} collate nocase
    order by name`);
  return rows.flatMap(({ name, text }) => {
    if (!/\braise\s*\(\s*ignore/i.test(text)) return [];
    const [head = ''] = text.split(/\bbegin\b/i);
    return (['delete', 'update'] as const)
      .filter((on) => new RegExp(`\\b${on}\\b`, 'i').test(head))
      .map((on) => ({ name, on, columns: null }));
  });
}
