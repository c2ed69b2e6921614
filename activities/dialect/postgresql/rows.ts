import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';
import type { RowTree, StoredPointer } from '../../stored/pass.ts';
import type { DeletedRows, Evaluated, FoundRow, OwnedRows, Recording, Rows } from '../rows.ts';
import type { Condition, Holds, Instant } from '../view.ts';
import type { Connection } from './connection.ts';
import { instantSql, toSql } from './connection.ts';
import { deleteAt, deleteOwned, isTrueAt, lockOwned } from './delete-rows.ts';
import { countDependents, deleteDependents, findAncestors } from './dependents.ts';
import { castArray, castValue, columnRef, tableRef } from './identifiers.ts';
import { lockHolders, repointHolders } from './pointers.ts';

/** Deletes and asks about rows whose key or location is known. */
export class PostgresRows implements Rows {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async deleteAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    return deleteAt(this.#connection, table, locations, where, groups, recording);
  }

  async isTrueAt(table: TableName, location: string, where: Condition): Promise<boolean> {
    return isTrueAt(this.#connection, table, location, where);
  }

  async deleteOwned(
    owned: OwnedRows,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    return deleteOwned(this.#connection, owned, groups, recording);
  }

  async lockOwned(owned: OwnedRows, key: ColumnName): Promise<string[]> {
    return lockOwned(this.#connection, owned, key);
  }

  async countDependents(tree: RowTree, locations: readonly string[], limit: number): Promise<number[]> {
    return countDependents(this.#connection, tree, locations, limit);
  }

  async deleteDependents(
    tree: RowTree,
    location: string,
    step: number,
    limit: number,
    holds: Holds,
  ): Promise<number> {
    return deleteDependents(this.#connection, tree, location, step, limit, holds);
  }

  async lockHolders(pointer: StoredPointer, groups: readonly string[]): Promise<string[]> {
    return lockHolders(this.#connection, pointer, groups);
  }

  async repointHolders(
    pointer: StoredPointer,
    locations: readonly string[],
    notHeld: Condition | undefined,
  ): Promise<number> {
    return repointHolders(this.#connection, pointer, locations, notHeld);
  }

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
      from ${tableRef(table)} as t
      where ${columnRef('t', column)} = ${castValue(key, column.type)}`.execute(this.#connection.db);
    return rows[0] === undefined ? undefined : { column, ...rows[0] };
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

  async findAncestors(
    tree: RowTree,
    row: { readonly table: TableName; readonly location: string },
    deletable: Condition,
    limit: number,
  ): Promise<string[]> {
    return findAncestors(this.#connection, tree, row, deletable, limit);
  }

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
