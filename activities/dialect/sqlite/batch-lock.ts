import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { BatchLock, DeletionCounters, LockedShard } from '../batch-lock.ts';
import type { Connection } from './connection.ts';
import { startCounting } from './deletion-counters.ts';
import { SqliteError } from './errors.ts';
import { readHeldRows } from './ledger/held-rows.ts';

/**
 * Keeps the batches of a shard apart. The transaction has the write lock of the file: there is no other batch. One that
 * another attempt has written meanwhile is found by its number in the ledger, and the run by its row.
 */
export class SqliteBatchLock implements BatchLock {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async lockShard(_shard: string, _run: string, counted: readonly TableName[]): Promise<LockedShard> {
    await startCounting(this.#connection, counted);
    const counters: DeletionCounters = { tables: counted, before: [] };
    return { locked: true, counters, holds: { rows: await readHeldRows(this.#connection, undefined) } };
  }

  async waitForBatches(): Promise<void> {
    // The write lock is ours by now.
  }

  /** The counters are in a table, and undone with the savepoint. */
  async attempt<T>({ tables }: DeletionCounters, work: () => Promise<T>, defersKeys: boolean): Promise<T> {
    const dangling = await findDangling(this.#connection, tables, defersKeys);
    await this.#connection.run(sql`savepoint attempt`);
    try {
      const result = await work();
      if (dangling !== undefined) await assertNoneNew(this.#connection, tables, defersKeys, dangling);
      await this.#connection.run(sql`release savepoint attempt`);
      return result;
    } catch (error) {
      await this.#connection.run(sql`rollback to savepoint attempt`);
      await this.#connection.run(sql`release savepoint attempt`);
      throw error;
    }
  }

  async fireTriggers(): Promise<void> {
    // None fires later than its statement.
  }

  async flushStatistics(): Promise<void> {
    // SQLite has none.
  }
}

/**
 * Rows that name nothing by a foreign key to some tables; undefined if none of these keys is deferred. A deferred key is
 * checked by the commit alone, which ends the whole batch: an attempt looks itself. It reads the tables that reference, for
 * such keys alone, and only after the database refused a row.
 */
async function findDangling(
  connection: Connection,
  tables: readonly TableName[],
  defersKeys: boolean,
): Promise<ReadonlySet<string> | undefined> {
  const names = sql`(select value from json_each(${JSON.stringify(tables.map(({ name }) => name))}))`;
  const { rows } = await connection.run(sql<{ name: string }>`
    select distinct m.name
    from main.sqlite_schema as m
    join pragma_foreign_key_list(m.name) as f on f."table" collate nocase in ${names} or exists (
      -- A trigger may delete from any table.
      select 1
      from main.sqlite_schema as g
      where g.type = 'trigger' and g.tbl_name collate nocase in ${names} and g.sql like '%delete%from%'
    )
    where m.type = 'table' and (${defersKeys ? 1 : 0} or m.sql like '%deferr%')`);
  if (rows.length === 0) return undefined;
  const found = new Set<string>();
  for (const { name } of rows) {
    const { rows: dangling } = await connection.run(sql<{ text: string }>`
      select json_array("table", rowid, fkid) as text from pragma_foreign_key_check(${name})`);
    for (const { text } of dangling) found.add(text);
  }
  return found;
}

async function assertNoneNew(
  connection: Connection,
  tables: readonly TableName[],
  defersKeys: boolean,
  before: ReadonlySet<string>,
): Promise<void> {
  const after = (await findDangling(connection, tables, defersKeys)) ?? new Set();
  if ([...after].every((row) => before.has(row))) return;
  throw new SqliteError('SQLITE_CONSTRAINT_FOREIGNKEY', 'a deferred foreign key would name nothing');
}
