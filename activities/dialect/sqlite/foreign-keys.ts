import { sql } from 'kysely';

import type { ForeignKey } from '../catalog.ts';
import type { Connection } from './connection.ts';
import type { ListedTable } from './listed-tables.ts';
import { SCHEMA } from './listed-tables.ts';

interface ListedForeignKey {
  readonly child: string;
  readonly id: number;
  readonly parent: string;
  readonly childColumn: string;
  readonly parentColumn: string | null;
  readonly onDelete: string;
}

/** All foreign keys of the file. One that names no column references the primary key. */
export async function readForeignKeys(
  connection: Connection,
  known: ReadonlyMap<string, ListedTable>,
): Promise<ForeignKey[]> {
  const { rows } = await connection.run(sql<ListedForeignKey>`
    select
      m.name as child, f.id, f."table" as parent, f."from" as "childColumn", f."to" as "parentColumn",
      lower(f.on_delete) as "onDelete"
    from pragma_table_list as m
    join pragma_foreign_key_list(m.name) as f
    where m.schema = ${SCHEMA} and m.type = 'table'
    order by m.name, f.id, f.seq`);
  const keys = new Map<string, ListedForeignKey[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.child, row.id]);
    keys.set(key, [...(keys.get(key) ?? []), row]);
  }
  const found: ForeignKey[] = [];
  for (const parts of keys.values()) {
    const [{ child, parent: named, onDelete }] = parts as [ListedForeignKey];
    const parent = known.get(named.toLowerCase())?.name;
    if (parent === undefined) continue;
    const parentColumns = parts.every(({ parentColumn }) => parentColumn === null)
      ? await readPrimaryKey(connection, parent)
      : parts.map(({ parentColumn }) => parentColumn ?? '');
    const childColumns = parts.map(({ childColumn }) => childColumn);
    found.push({
      name: `${child} (${childColumns.join(', ')})`,
      child,
      childColumns,
      parent,
      parentColumns,
      onDelete: onDelete as ForeignKey['onDelete'],
      enforced: true,
      ...(onDelete === 'restrict' ? { checksEachRow: true } : {}),
    });
  }
  return found;
}

async function readPrimaryKey(connection: Connection, table: string): Promise<string[]> {
  const { rows } = await connection.run(sql<{ name: string }>`
    select name from pragma_table_info(${table}) where pk > 0 order by pk`);
  return rows.map(({ name }) => name);
}
