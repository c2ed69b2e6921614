import { sql } from 'kysely';

import { findChain } from './blockers.ts';
import type { SqliteRows } from './connection.ts';
import { deleteGraph } from './delete-graph.ts';
import { countDependents } from './dependents.ts';
import { HOLDS } from './holds.ts';
import {
  compareKey,
  hasPlainText,
  isAt,
  isKey,
  keyText,
  locationText,
  returnedKey,
  tableAs,
  tableRef,
} from './identifiers.ts';
import { lockHolders, repointHolders } from './pointers.ts';
import { recordPaths, returningPaths } from './recording.ts';
import { findLeft, readReferenced } from './referenced-rows.ts';

const deleteRows: SqliteRows['deleteRows'] = async (connection, table, where, groups, recording) => {
  const statement = sql`delete from ${tableRef(table)} as t where ${where}`;
  if (groups.length === 0 && recording === undefined) {
    const { changes } = await connection.run(statement);
    return { rows: changes, groups: [] };
  }
  const returned = groups.map((group, n) => sql`${returnedKey(group)} as ${sql.id(`group_${n}`)}`);
  const { rows } = await connection.run(sql<Record<string, string | null>>`
      ${statement}
      returning ${sql.join([sql`1 as one`, ...returned, ...returningPaths(recording)])}`);
  await recordPaths(connection, recording, rows);
  return {
    rows: rows.length,
    groups: groups.map((_, n) => [...new Set(rows.flatMap((row) => row[`group_${n}`] ?? []))]),
  };
};

const listReadable: SqliteRows['listReadable'] = async (connection, tables) => {
  const { rows } = await connection.run(sql<{ name: string }>`
    select name from main.sqlite_schema where type = 'table'`);
  const names = new Set(rows.map(({ name }) => name));
  return tables.filter(({ name }) => names.has(name));
};

const locate: SqliteRows['locate'] = async (connection, table, key) => {
  const isRow = key.map(({ column, value }) => compareKey(column, 't', '=', value));
  const values = key.map(({ column }) => keyText(column, 't'));
  const { rows } = await connection.run(sql<{ location: string; values: string }>`
      select ${locationText('t')} as location, json_array(${sql.join(values)}) as "values"
      from ${tableRef(table)} as t
      where ${sql.join(isRow, sql` and `)}`);
  const [row] = rows;
  if (row === undefined) return undefined;
  const found = JSON.parse(row.values) as readonly string[];
  const tests = key.map(({ column }) => (hasPlainText(column) ? '"t".?? = ?' : 'quote("t".??) = ?'));
  const condition = {
    text: tests.join(' and '),
    values: key.flatMap(({ column }, n) => [column.name, found[n] ?? null]),
    selects: false,
  };
  return { location: row.location, condition };
};

/** How SQLite writes statements about rows. A transaction has the write lock of the file: no row needs one. */
export const ROW_SQL: SqliteRows = {
  ...HOLDS,
  run: async (connection, query) => connection.run(query),
  wholeTableAs: tableAs,
  location: (alias) => sql`${sql.id(alias)}.rowid`,
  locationText,
  toLocation: (text) => sql`cast(${text} as integer)`,
  isAt,
  isAmong: (select) => sql`t.rowid in (${select})`,
  keyText,
  isKey,
  hasKey: (column, alias, key) => compareKey(column, alias, '=', key),
  lock: sql``,
  lockFree: sql``,
  deleteRows,
  listReadable,
  // Nobody else can write while the transaction lasts: SQLite locks whole files, never rows.
  lockGraph: async () => undefined,
  isLocked: async () => false,
  deleteGraph,
  readReferenced,
  findLeft,
  findChain,
  countDependents,
  lockHolders,
  repointHolders,
  locate,
};
