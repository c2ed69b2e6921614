import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';
import { instantSql, toSql } from '../condition.ts';
import type { Evaluated, FoundRow, KeyValue, RowPlace, Rows } from '../rows.ts';
import type { Condition, Instant } from '../view.ts';
import { findChain } from './blockers.ts';
import type { Connection } from './connection.ts';
import { deleteGraph, lockGraph } from './delete-graph.ts';
import { clearOwned, deleteAt, deleteOwned, isTrueAt, lockAt, lockOwned } from './delete-rows.ts';
import { countDependents, deleteDependents, findAncestors } from './dependents.ts';
import { countHeld } from './holds.ts';
import { castArray, castValue, columnRef, relationRef, tableRef } from './identifiers.ts';
import { lockHolders, repointHolders } from './pointers.ts';
import { findLeft, readReferenced } from './referenced-rows.ts';

/** Deletes and asks about rows whose key or location is known. */
export class PostgresRows implements Rows {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  readonly deleteAt: Rows['deleteAt'] = async (...asked) => deleteAt(this.#connection, ...asked);

  readonly lockGraph: Rows['lockGraph'] = async (...asked) => lockGraph(this.#connection, ...asked);

  readonly deleteGraph: Rows['deleteGraph'] = async (...asked) => deleteGraph(this.#connection, ...asked);

  readonly readReferenced: Rows['readReferenced'] = async (...asked) =>
    readReferenced(this.#connection, ...asked);

  readonly findLeft: Rows['findLeft'] = async (...asked) => findLeft(this.#connection, ...asked);

  readonly isTrueAt: Rows['isTrueAt'] = async (...asked) => isTrueAt(this.#connection, ...asked);

  readonly deleteOwned: Rows['deleteOwned'] = async (...asked) => deleteOwned(this.#connection, ...asked);

  readonly clearOwned: Rows['clearOwned'] = async (owned) => clearOwned(this.#connection, owned);

  readonly lockOwned: Rows['lockOwned'] = async (...asked) => lockOwned(this.#connection, ...asked);

  readonly findChain: Rows['findChain'] = async (...asked) => findChain(this.#connection, ...asked);

  readonly lockAt: Rows['lockAt'] = async (...asked) => lockAt(this.#connection, ...asked);

  readonly countDependents: Rows['countDependents'] = async (...asked) =>
    countDependents(this.#connection, ...asked);

  readonly deleteDependents: Rows['deleteDependents'] = async (...asked) =>
    deleteDependents(this.#connection, ...asked);

  readonly lockHolders: Rows['lockHolders'] = async (...asked) => lockHolders(this.#connection, ...asked);

  readonly repointHolders: Rows['repointHolders'] = async (...asked) =>
    repointHolders(this.#connection, ...asked);

  readonly countHeld: Rows['countHeld'] = async (holds) => countHeld(this.#connection, holds);

  async filterKeys(
    table: TableName,
    key: ColumnName,
    keys: readonly string[],
    where: Condition,
  ): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const { rows } = await sql<{ key: string }>`
      select ${columnRef('t', key)}::text as key
      from ${tableRef(table)} as t
      where ${columnRef('t', key)} = any(${castArray(keys, key.type)}) and ${toSql(where)}`.execute(
      this.#connection.db,
    );
    return new Set(rows.map((row) => row.key));
  }

  async find(table: TableName, column: ColumnName, key: string): Promise<FoundRow | undefined> {
    const { rows } = await sql<{ key: string; location: string }>`
      select ${columnRef('t', column)}::text as key, t.ctid::text as location
      from ${relationRef(table)} as t
      where ${columnRef('t', column)} = ${castValue(key, column.type)}`.execute(this.#connection.db);
    return rows[0] === undefined ? undefined : { column, ...rows[0] };
  }

  async locate(table: TableName, key: readonly KeyValue[]): Promise<RowPlace | undefined> {
    const isRow = key.map(
      ({ column, value }) => sql`${columnRef('t', column)} = ${castValue(value, column.type)}`,
    );
    const values = key.map(({ column }) => sql`${columnRef('t', column)}::text`);
    const { rows } = await sql<{ location: string; schema: string; name: string; values: string[] }>`
      select t.ctid::text as location, n.nspname as schema, c.relname as name, array[${sql.join(values)}] as values
      from ${tableRef(table)} as t
      join pg_class as c on c.oid = t.tableoid
      join pg_namespace as n on n.oid = c.relnamespace
      where ${sql.join(isRow, sql` and `)}`.execute(this.#connection.db);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { location, schema, name } = row;
    const condition = {
      text: key.map(() => '"t".?? = ?').join(' and '),
      values: key.flatMap(({ column }, n) => [column.name, row.values[n] ?? null]),
      selects: false,
    };
    return { location, condition, ...(table.partitioned === true ? { leaf: { schema, name } } : {}) };
  }

  async evaluate(
    table: TableName,
    location: string,
    whole: Condition,
    parts: readonly { readonly test: Condition; readonly dueAt?: Instant }[],
  ): Promise<Evaluated | undefined> {
    const tests = parts.map(({ test }) => sql`(${toSql(test)}) is true`);
    const instants = parts.map(({ dueAt }) => (dueAt === undefined ? sql`null` : instantSql(dueAt)));
    const { rows } = await sql<{ deletable: boolean; holds: boolean[]; due: (string | null)[] }>`
      select
        (${toSql(whole)}) is true as deletable,
        array[${sql.join(tests)}]::boolean[] as holds,
        array[${sql.join(instants)}]::text[] as due
      from ${tableRef(table)} as t
      where t.ctid = ${location}::tid`.execute(this.#connection.db);
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      deletable: row.deletable,
      parts: parts.map((_, n) => ({ holds: row.holds[n] === true, dueAt: row.due[n] ?? null })),
    };
  }

  readonly findAncestors: Rows['findAncestors'] = async (...asked) =>
    findAncestors(this.#connection, ...asked);

  /** It may also have moved or been deleted since it was judged: then no lock is to blame. */
  async isLocked(table: TableName, location: string): Promise<boolean> {
    const { db } = this.#connection;
    const there = sql`from ${tableRef(table)} as t where t.ctid = ${location}::tid`;
    // The lock is given back at once.
    await sql`savepoint is_locked`.execute(db);
    const { rows: free } = await sql`select 1 ${there} for update of t skip locked`.execute(db);
    await sql`rollback to savepoint is_locked`.execute(db);
    if (free.length > 0) return false;
    const { rows: left } = await sql`select 1 ${there}`.execute(db);
    return left.length > 0;
  }
}
