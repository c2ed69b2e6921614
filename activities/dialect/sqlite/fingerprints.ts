import { createHash } from 'node:crypto';

import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { Connection } from './connection.ts';

/**
 * A text that changes if something could make a delete in some tables reach other rows than before: the tables themselves,
 * their triggers, and the foreign keys that reference them. Both name a table as whoever made them wrote it, in any case.
 */
export async function readFingerprint(connection: Connection, tables: readonly TableName[]): Promise<string> {
  const names = sql`(select value from json_each(${JSON.stringify(tables.map(({ name }) => name))}))`;
  const { rows } = await connection.run(sql<{ text: string }>`
    select coalesce(sql, '') as text
    from main.sqlite_schema
    where type in ('table', 'trigger') and tbl_name collate nocase in ${names}
    union all
    select m.name || ' ' || f."from" || ' ' || f."table" || ' ' || f.on_delete
    from main.sqlite_schema as m
    join pragma_foreign_key_list(m.name) as f on f."table" collate nocase in ${names}
    where m.type = 'table'
    order by 1`);
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16);
}
