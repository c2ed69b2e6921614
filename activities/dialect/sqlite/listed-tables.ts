import { sql } from 'kysely';

import type { Connection } from './connection.ts';

/** The schema of all tables of a file. Attached files and temporary tables are not looked at. */
export const SCHEMA = 'main';

/** A table or view as SQLite lists it. */
export interface ListedTable {
  readonly name: string;
  readonly type: string;
  /** It has no rowid. */
  readonly wr: number;
}

/** All tables and views by their names in lower case, in which SQLite compares them. */
export async function listTables(connection: Connection): Promise<ReadonlyMap<string, ListedTable>> {
  const { rows } = await connection.run(sql<ListedTable>`
    select name, type, wr from pragma_table_list where schema = ${SCHEMA} and name not like 'sqlite\\_%' escape '\\'`);
  return new Map(rows.map((row) => [row.name.toLowerCase(), row]));
}

/** A column as SQLite lists it. */
export interface ListedColumn {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  /** 2 and 3 if it is computed. */
  readonly hidden: number;
  /** Its place in the primary key, from 1; 0 if it is not in it. */
  readonly pk: number;
}

/** Whether a column is the rowid by another name. */
export function isRowid({ pk, type }: ListedColumn, columns: readonly ListedColumn[]): boolean {
  return pk > 0 && type.toUpperCase() === 'INTEGER' && columns.filter((other) => other.pk > 0).length === 1;
}

/** The type of a column by its declared type, by SQLite's own rules. */
export function findAffinity(declared: string): string {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type === '' || type.includes('BLOB')) return 'blob';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric';
}
