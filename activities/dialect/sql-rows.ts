import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../stored/columns.ts';
import type { RowTree } from '../stored/row-tree.ts';
import { pathsByCascades, pathsToTable } from './cascade-paths.ts';
import { instantSql, toSql } from './condition.ts';
import { isHeldRow } from './held-dependents.ts';
import { listHeldTables } from './needs-locks.ts';
import type { RowSql } from './row-sql.ts';
import type { DeletedRows, Evaluated, FoundRow, OwnedRows, Recording, Rows } from './rows.ts';
import type { Condition, Holds, Instant } from './view.ts';

/** Deletes and asks about rows whose key or location is known. */
export class SqlRows<Connection> implements Rows {
  readonly #connection: Connection;
  readonly #sql: RowSql<Connection>;

  constructor(dialect: RowSql<Connection>, connection: Connection) {
    this.#sql = dialect;
    this.#connection = connection;
  }

  async countHeld(holds: Holds): Promise<number> {
    const tables = await this.#sql.listReadable(this.#connection, listHeldTables(holds));
    const counts = tables.map(
      (table) => sql`(select count(*) from ${this.#table(table)} where ${this.#isHeld(holds, table)})`,
    );
    const [row] = await this.#read<{ rows: unknown }>(sql`
      select ${sql.join([sql`0`, ...counts], sql` + `)} as rows`);
    return Number(row?.rows ?? 0);
  }

  async deleteAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    if (locations.length === 0) return { rows: 0, groups: groups.map(() => []) };
    const which = sql<boolean>`${this.#sql.isAt(locations)} and ${toSql(where)}`;
    return this.#sql.deleteRows(this.#connection, table, which, groups, recording);
  }

  async isTrueAt(table: TableName, location: string, where: Condition): Promise<boolean> {
    const rows = await this.#read(sql`
      select 1 from ${this.#table(table)} where ${this.#sql.isAt([location])} and ${toSql(where)}`);
    return rows.length > 0;
  }

  async lockAt(
    table: TableName,
    locations: readonly string[],
    where: Condition,
    key: ColumnName | null,
  ): Promise<readonly { readonly location: string; readonly key: string | null }[]> {
    if (locations.length === 0) return [];
    const own = key === null ? sql`null` : this.#sql.keyText(key, 't');
    return this.#read<{ location: string; key: string | null }>(sql`
      select ${this.#sql.locationText('t')} as location, ${own} as key
      from ${this.#table(table)}
      where ${this.#sql.isAt(locations)} and ${toSql(where)}
      ${this.#sql.lockFree}`);
  }

  async deleteOwned(
    owned: OwnedRows,
    groups: readonly ColumnName[] = [],
    recording?: Recording,
  ): Promise<DeletedRows> {
    if (owned.keys.length === 0) return { rows: 0, groups: groups.map(() => []) };
    return this.#sql.deleteRows(this.#connection, owned.table, this.#isAmongOwned(owned), groups, recording);
  }

  async clearOwned(owned: OwnedRows): Promise<number> {
    if (owned.keys.length === 0) return 0;
    return this.#change(sql`
      update ${this.#table(owned.table)} set ${sql.id(owned.by.name)} = null where ${this.#isAmongOwned(owned)}`);
  }

  async lockOwned(owned: OwnedRows, key: ColumnName): Promise<string[]> {
    if (owned.keys.length === 0) return [];
    const rows = await this.#read<{ key: string }>(sql`
      select ${this.#sql.keyText(key, 't')} as key
      from ${this.#table(owned.table)}
      where ${this.#isOwned(owned)}
      ${limitTo(owned.limit)}
      ${this.#sql.lock}`);
    return rows.map((row) => row.key);
  }

  async deleteDependents(
    tree: RowTree,
    location: string,
    step: number,
    limit: number,
    holds: Holds,
  ): Promise<number> {
    const path = pathsByCascades(tree.cascades, 'c', this.#sql.tableAs)[step];
    if (path === undefined) throw new Error(`there is no cascade step ${step}`);
    const below = sql`
      select ${this.#sql.location('c')}
      from ${this.#sql.tableAs(tree.table, 'p')}, ${path.from}
      where ${this.#isRow('p', location)} and ${path.where}
      limit ${limit}`;
    const held = this.#isHeld(holds, path.table) ?? sql`false`;
    return this.#change(sql`
      delete from ${this.#table(path.table)} where ${this.#sql.isAmong(below)} and ${held} is not true`);
  }

  async findAncestors(
    tree: RowTree,
    row: { readonly table: TableName; readonly location: string },
    deletable: Condition,
    limit: number,
  ): Promise<string[]> {
    const locations: string[] = [];
    for (const { from, where } of pathsToTable(tree, row.table, this.#sql.tableAs)) {
      const above = sql`
        select ${this.#sql.location('p')}
        from ${this.#sql.tableAs(tree.table, 'p')}, ${from}
        where ${this.#isRow('c', row.location)} and ${where}`;
      const rows = await this.#read<{ location: string }>(sql`
        select ${this.#sql.locationText('t')} as location
        from ${this.#table(tree.table)}
        where ${this.#sql.isAmong(above)}
        order by (${toSql(deletable)}) is true desc, ${this.#sql.location('t')}
        limit ${limit}`);
      locations.push(...rows.map(({ location }) => location));
    }
    return [...new Set(locations)];
  }

  async filterKeys(
    table: TableName,
    key: ColumnName,
    keys: readonly string[],
    where: Condition,
  ): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const rows = await this.#read<{ key: string }>(sql`
      select ${this.#sql.keyText(key, 't')} as key
      from ${this.#table(table)}
      where ${this.#sql.isKey(key, 't', keys)} and ${toSql(where)}`);
    return new Set(rows.map((row) => row.key));
  }

  async find(table: TableName, column: ColumnName, key: string): Promise<FoundRow | undefined> {
    const [row] = await this.#read<{ key: string; location: string }>(sql`
      select ${this.#sql.keyText(column, 't')} as key, ${this.#sql.locationText('t')} as location
      from ${this.#sql.wholeTableAs(table, 't')}
      where ${this.#sql.hasKey(column, 't', key)}`);
    return row && { column, ...row };
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
    const [row] = await this.#read<Record<string, unknown>>(sql`
      select ${sql.join([sql`(${toSql(whole)}) is true as deletable`, ...columns])}
      from ${this.#table(table)}
      where ${this.#sql.isAt([location])}`);
    if (row === undefined) return undefined;
    // SQLite has the number 1 for true.
    return {
      deletable: Boolean(row['deletable']),
      parts: parts.map((_, n) => ({
        holds: Boolean(row[`holds_${n}`]),
        dueAt: (row[`due_${n}`] ?? null) as string | null,
      })),
    };
  }

  readonly lockGraph: Rows['lockGraph'] = async (...asked) => this.#sql.lockGraph(this.#connection, ...asked);

  readonly deleteGraph: Rows['deleteGraph'] = async (...asked) =>
    this.#sql.deleteGraph(this.#connection, ...asked);

  readonly readReferenced: Rows['readReferenced'] = async (...asked) =>
    this.#sql.readReferenced(this.#connection, ...asked);

  readonly findLeft: Rows['findLeft'] = async (...asked) => this.#sql.findLeft(this.#connection, ...asked);

  readonly findChain: Rows['findChain'] = async (...asked) => this.#sql.findChain(this.#connection, ...asked);

  readonly countDependents: Rows['countDependents'] = async (...asked) =>
    this.#sql.countDependents(this.#connection, ...asked);

  readonly lockHolders: Rows['lockHolders'] = async (...asked) =>
    this.#sql.lockHolders(this.#connection, ...asked);

  readonly repointHolders: Rows['repointHolders'] = async (...asked) =>
    this.#sql.repointHolders(this.#connection, ...asked);

  readonly locate: Rows['locate'] = async (...asked) => this.#sql.locate(this.#connection, ...asked);

  readonly isLocked: Rows['isLocked'] = async (...asked) => this.#sql.isLocked(this.#connection, ...asked);

  async #read<T>(query: RawBuilder<unknown>): Promise<readonly T[]> {
    return (await this.#sql.run(this.#connection, query as RawBuilder<T>)).rows;
  }

  async #change(query: RawBuilder<unknown>): Promise<number> {
    return (await this.#sql.run(this.#connection, query)).changes;
  }

  #table(table: TableName): RawBuilder<unknown> {
    return this.#sql.tableAs(table, 't');
  }

  #isRow(alias: string, location: string): RawBuilder<boolean> {
    return sql`${this.#sql.location(alias)} = ${this.#sql.toLocation(location)}`;
  }

  #isHeld(holds: Holds, table: TableName): RawBuilder<boolean> | undefined {
    return isHeldRow(this.#sql, this.#connection, holds, table);
  }

  /** Over alias `t`: the row belongs to one of the keys, and is among the first so many. */
  #isAmongOwned(owned: OwnedRows): RawBuilder<boolean> {
    const isOwned = this.#isOwned(owned);
    if (owned.limit === undefined) return isOwned;
    const first = sql`
      select ${this.#sql.location('t')} from ${this.#table(owned.table)} where ${isOwned} ${limitTo(owned.limit)}`;
    return sql`${isOwned} and ${this.#sql.isAmong(first)}`;
  }

  /** Over alias `t`: the row belongs to one of the keys, and is one of those that are meant. */
  #isOwned({ by, keys, key, which }: OwnedRows): RawBuilder<boolean> {
    const isNamed = this.#sql.isKey(by, 't', keys, key.type);
    return which === undefined ? isNamed : sql`${isNamed} and ${toSql(which)}`;
  }
}

function limitTo(rows: number | undefined): RawBuilder<unknown> {
  return rows === undefined ? sql`` : sql`limit ${rows}`;
}
