import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';
import { instantSql, toSql } from '../condition.ts';
import type {
  DeletedRows,
  Evaluated,
  FoundRow,
  KeyValue,
  OwnedRows,
  Recording,
  RowPlace,
  Rows,
} from '../rows.ts';
import type { Condition, Instant } from '../view.ts';
import { findChain } from './blockers.ts';
import type { Connection } from './connection.ts';
import { deleteGraph } from './delete-graph.ts';
import { countDependents, deleteDependents, findAncestors } from './dependents.ts';
import { countHeld } from './holds.ts';
import {
  compareKey,
  hasPlainText,
  isAt,
  isKey,
  keyText,
  locationText,
  returnedKey,
  tableRef,
} from './identifiers.ts';
import { lockHolders, repointHolders } from './pointers.ts';
import { recordPaths, returningPaths } from './recording.ts';
import { findLeft, readReferenced } from './referenced-rows.ts';

/** Deletes and asks about rows whose key or location is known. */
export class SqliteRows implements Rows {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  readonly findChain: Rows['findChain'] = async (...asked) => findChain(this.#connection, ...asked);

  /** The write lock of the file is ours. */
  async lockAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    key: ColumnName | null,
  ): Promise<{ location: string; key: string | null }[]> {
    if (locations.length === 0) return [];
    const { rows } = await this.#connection.run(sql<{ location: string; key: string | null }>`
      select ${locationText('t')} as location, ${key === null ? sql`null` : keyText(key, 't')} as key
      from ${tableRef(table)} as t
      where ${isAt(locations)} and ${toSql(where)}`);
    return [...rows];
  }

  readonly countDependents: Rows['countDependents'] = async (...asked) =>
    countDependents(this.#connection, ...asked);

  readonly deleteDependents: Rows['deleteDependents'] = async (...asked) =>
    deleteDependents(this.#connection, ...asked);

  readonly findAncestors: Rows['findAncestors'] = async (...asked) =>
    findAncestors(this.#connection, ...asked);

  readonly lockHolders: Rows['lockHolders'] = async (...asked) => lockHolders(this.#connection, ...asked);

  readonly repointHolders: Rows['repointHolders'] = async (...asked) =>
    repointHolders(this.#connection, ...asked);

  readonly readReferenced: Rows['readReferenced'] = async (...asked) =>
    readReferenced(this.#connection, ...asked);

  readonly findLeft: Rows['findLeft'] = async (...asked) => findLeft(this.#connection, ...asked);

  readonly deleteGraph: Rows['deleteGraph'] = async (...asked) => deleteGraph(this.#connection, ...asked);

  /** Nobody else can write while the transaction lasts. */
  async lockGraph(): Promise<void> {}

  async deleteAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    if (locations.length === 0) return { rows: 0, groups: groups.map(() => []) };
    return this.#delete(table, sql`${isAt(locations)} and ${toSql(where)}`, groups, recording);
  }

  async isTrueAt(table: TableName, location: string, where: Condition): Promise<boolean> {
    const { rows } = await this.#connection.run(sql`
      select 1 from ${tableRef(table)} as t where ${isAt([location])} and ${toSql(where)}`);
    return rows.length > 0;
  }

  async deleteOwned(
    owned: OwnedRows,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    if (owned.keys.length === 0) return { rows: 0, groups: groups.map(() => []) };
    return this.#delete(owned.table, isAmongOwned(owned), groups, recording);
  }

  async clearOwned(owned: OwnedRows): Promise<number> {
    if (owned.keys.length === 0) return 0;
    const { changes } = await this.#connection.run(sql`
      update ${tableRef(owned.table)} as t set ${sql.id(owned.by.name)} = null where ${isAmongOwned(owned)}`);
    return changes;
  }

  async lockOwned({ table, by, keys, limit, which }: OwnedRows, key: ColumnName): Promise<string[]> {
    if (keys.length === 0) return [];
    const { rows } = await this.#connection.run(sql<{ key: string }>`
      select ${keyText(key, 't')} as key
      from ${tableRef(table)} as t
      where ${isOwned({ by, keys, which })}
      limit ${limit ?? -1}`);
    return rows.map((row) => row.key);
  }

  readonly countHeld: Rows['countHeld'] = async (holds) => countHeld(this.#connection, holds);

  async filterKeys(
    table: TableName,
    key: ColumnName,
    keys: readonly string[],
    where: Condition,
  ): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const { rows } = await this.#connection.run(sql<{ key: string }>`
      select ${keyText(key, 't')} as key
      from ${tableRef(table)} as t
      where ${isKey(key, 't', keys)} and ${toSql(where)}`);
    return new Set(rows.map((row) => row.key));
  }

  async find(table: TableName, column: ColumnName, key: string): Promise<FoundRow | undefined> {
    const { rows } = await this.#connection.run(sql<{ key: string; location: string }>`
      select ${keyText(column, 't')} as key, ${locationText('t')} as location
      from ${tableRef(table)} as t
      where ${compareKey(column, 't', '=', key)}`);
    return rows[0] === undefined ? undefined : { column, ...rows[0] };
  }

  async locate(table: TableName, key: readonly KeyValue[]): Promise<RowPlace | undefined> {
    const isRow = key.map(({ column, value }) => compareKey(column, 't', '=', value));
    const values = key.map(({ column }) => keyText(column, 't'));
    const { rows } = await this.#connection.run(sql<{ location: string; values: string }>`
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
  }

  async evaluate(
    table: TableName,
    location: string,
    whole: Condition,
    parts: readonly { readonly test: Condition; readonly dueAt?: Instant }[],
  ): Promise<Evaluated | undefined> {
    const columns = parts.flatMap(({ test, dueAt }, n) => [
      sql`(${toSql(test)}) is true as ${sql.id(`holds_${n}`)}`,
      sql`${dueAt === undefined ? sql`null` : instantSql(dueAt)} as ${sql.id(`due_${n}`)}`,
    ]);
    const { rows } = await this.#connection.run(sql<Record<string, string | number | null>>`
      select ${sql.join([sql`(${toSql(whole)}) is true as deletable`, ...columns])}
      from ${tableRef(table)} as t
      where ${isAt([location])}`);
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      deletable: row['deletable'] === 1,
      parts: parts.map((_, n) => ({
        holds: row[`holds_${n}`] === 1,
        dueAt: row[`due_${n}`] == null ? null : String(row[`due_${n}`]),
      })),
    };
  }

  /** SQLite locks whole files, never rows. */
  async isLocked(): Promise<boolean> {
    return false;
  }

  async #delete(
    table: TableName,
    which: RawBuilder<unknown>,
    groups: readonly ColumnName[],
    recording: Recording | undefined,
  ): Promise<DeletedRows> {
    const statement = sql`delete from ${tableRef(table)} as t where ${which}`;
    if (groups.length === 0 && recording === undefined) {
      const { changes } = await this.#connection.run(statement);
      return { rows: changes, groups: [] };
    }
    const returned = groups.map((group, n) => sql`${returnedKey(group)} as ${sql.id(`group_${n}`)}`);
    const { rows } = await this.#connection.run(sql<Record<string, string | null>>`
      ${statement}
      returning ${sql.join([sql`1 as one`, ...returned, ...returningPaths(recording)])}`);
    await recordPaths(this.#connection, recording, rows);
    return {
      rows: rows.length,
      groups: groups.map((_, n) => [...new Set(rows.flatMap((row) => row[`group_${n}`] ?? []))]),
    };
  }
}

/** Over alias `t`: the row belongs to one of the keys, and is among the first so many. */
function isAmongOwned({ table, by, keys, limit, which }: OwnedRows): RawBuilder<boolean> {
  const owned = isOwned({ by, keys, which });
  if (limit === undefined) return owned;
  return sql`t.rowid in (select t.rowid from ${tableRef(table)} as t where ${owned} limit ${limit})`;
}

/** Over alias `t`: the row belongs to one of the keys, and is one of those that are meant. */
function isOwned({ by, keys, which }: Pick<OwnedRows, 'by' | 'keys' | 'which'>): RawBuilder<boolean> {
  const named = isKey(by, 't', keys);
  return which === undefined ? named : sql`(${named} and ${toSql(which)})`;
}
