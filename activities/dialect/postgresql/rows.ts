import { sql } from 'kysely';

import type { DeletedRows } from '../rows.ts';
import { findChain } from './blockers.ts';
import type { PostgresRows } from './connection.ts';
import { deleteGraph, lockGraph } from './delete-graph.ts';
import { countDependents } from './dependents.ts';
import { HOLDS } from './holds.ts';
import {
  castArray,
  castValue,
  columnRef,
  isAt,
  qualifiedName,
  relationRef,
  tableRef,
} from './identifiers.ts';
import { lockHolders, repointHolders } from './pointers.ts';
import { recordedPathsSql, returningPathsSql } from './recording.ts';
import { findLeft, readReferenced } from './referenced-rows.ts';

const deleteRows: PostgresRows['deleteRows'] = async (connection, table, where, groups, recording) => {
  const statement = sql`delete from ${tableRef(table)} as t where ${where}`;
  if (groups.length === 0 && recording === undefined) {
    const result = await statement.execute(connection.db);
    return { rows: Number(result.numAffectedRows ?? 0), groups: [] };
  }
  const returned = groups.map((group, n) => sql`${columnRef('t', group)}::text as ${sql.id(`g${n}`)}`);
  const distinct = groups.map((_, n) => {
    const group = sql.id(`g${n}`);
    return sql`array(select distinct ${group} from deleted where ${group} is not null)`;
  });
  const { rows } = await sql<DeletedRows>`
    with deleted as (${statement} returning ${sql.join([sql`1 as one`, ...returned])}${returningPathsSql(recording)})${recordedPathsSql(connection, recording)}
    select
      (select count(*)::int from deleted) as rows,
      to_jsonb(array[${sql.join(distinct.map((values) => sql`to_jsonb(${values})`))}]::jsonb[]) as groups`.execute(
    connection.db,
  );
  return rows[0] as DeletedRows;
};

/** What a role may not read, all rows of it, it may not delete either. */
const listReadable: PostgresRows['listReadable'] = async ({ db }, tables) => {
  const { rows } = await sql<{ n: number }>`
    select w.n::int - 1 as n
    from unnest(${tables.map(qualifiedName)}::text[]) with ordinality as w(name, n)
    cross join lateral (select to_regclass(w.name)::oid as oid) as c
    where c.oid is not null and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid)`.execute(
    db,
  );
  return rows.flatMap(({ n }) => tables[n] ?? []);
};

const locate: PostgresRows['locate'] = async ({ db }, table, key) => {
  const isRow = key.map(
    ({ column, value }) => sql`${columnRef('t', column)} = ${castValue(value, column.type)}`,
  );
  const values = key.map(({ column }) => sql`${columnRef('t', column)}::text`);
  const { rows } = await sql<{ location: string; schema: string; name: string; values: string[] }>`
      select t.ctid::text as location, n.nspname as schema, c.relname as name, array[${sql.join(values)}] as values
      from ${tableRef(table)} as t
      join pg_class as c on c.oid = t.tableoid
      join pg_namespace as n on n.oid = c.relnamespace
      where ${sql.join(isRow, sql` and `)}`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { location, schema, name } = row;
  const condition = {
    text: key.map(() => '"t".?? = ?').join(' and '),
    values: key.flatMap(({ column }, n) => [column.name, row.values[n] ?? null]),
    selects: false,
  };
  return { location, condition, ...(table.partitioned === true ? { leaf: { schema, name } } : {}) };
};

/** It may also have moved or been deleted since it was judged: then no lock is to blame. */
const isLocked: PostgresRows['isLocked'] = async ({ db }, table, location) => {
  const there = sql`from ${tableRef(table)} as t where t.ctid = ${location}::tid`;
  // The lock is given back at once.
  await sql`savepoint is_locked`.execute(db);
  const { rows: free } = await sql`select 1 ${there} for update of t skip locked`.execute(db);
  await sql`rollback to savepoint is_locked`.execute(db);
  if (free.length > 0) return false;
  const { rows: left } = await sql`select 1 ${there}`.execute(db);
  return left.length > 0;
};

/** How PostgreSQL writes statements about rows. */
export const ROW_SQL: PostgresRows = {
  ...HOLDS,
  run: async ({ db }, query) => {
    const { rows, numAffectedRows = 0 } = await query.execute(db);
    return { rows, changes: Number(numAffectedRows) };
  },
  wholeTableAs: (table, alias) => sql`${relationRef(table)} as ${sql.id(alias)}`,
  location: (alias) => sql.id(alias, 'ctid'),
  locationText: (alias) => sql`${sql.id(alias, 'ctid')}::text`,
  toLocation: (text) => sql`${text}::tid`,
  isAt,
  isAmong: (select) => sql`t.ctid = any(array(${select}))`,
  keyText: (column, alias) => sql`${columnRef(alias, column)}::text`,
  // One bound array: 35 ms for 200 keys, 411 ms with a join.
  isKey: (column, alias, keys, type = column.type) =>
    sql`${columnRef(alias, column)} = any(${castArray(keys, type)})`,
  hasKey: (column, alias, key) => sql`${columnRef(alias, column)} = ${castValue(key, column.type)}`,
  lock: sql`for update of t`,
  lockFree: sql`for update of t skip locked`,
  deleteRows,
  listReadable,
  lockGraph,
  deleteGraph,
  readReferenced,
  findLeft,
  findChain,
  countDependents,
  lockHolders,
  repointHolders,
  locate,
  isLocked,
};
