import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { Connection } from './connection.ts';
import { quoteIdentifier } from './identifiers.ts';

/** How reports write all tables. */
export async function readLabels({ db }: Connection): Promise<string[]> {
  const { rows } = await sql<Pick<TableName, 'schema' | 'name'> & { readonly visible: boolean }>`
    select n.nspname as schema, c.relname as name, pg_table_is_visible(c.oid) as visible
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`.execute(
    db,
  );
  return rows.map((table) => writeLabel(table, table.visible));
}

/** How reports write a table. A name with a dot is quoted: it could be read as that of a table in another schema. */
export function writeLabel({ schema, name }: Pick<TableName, 'schema' | 'name'>, visible: boolean): string {
  const parts = visible ? [name] : [schema, name];
  return parts.map((part) => (/[."]/.test(part) ? quoteIdentifier(part) : part)).join('.');
}
