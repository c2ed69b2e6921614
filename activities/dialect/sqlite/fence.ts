import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { DeletionCounters, EnteredBatch, Fence } from '../fence.ts';
import type { Connection } from './connection.ts';
import { countDeletes } from './counters.ts';
import { readHeldRows } from './ledger/held-rows.ts';

/**
 * Keeps the batches of a shard apart. The transaction has the write lock of the file: there is no other batch. One that
 * another attempt has written meanwhile is found by its number in the ledger, and the run by its row.
 */
export class SqliteFence implements Fence {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async enterBatch(_shard: string, _run: string, counted: readonly TableName[]): Promise<EnteredBatch> {
    await startCounting(this.#connection, counted);
    const counters: DeletionCounters = { tables: counted, before: [] };
    return { entered: true, counters, holds: { rows: await readHeldRows(this.#connection, undefined) } };
  }

  async waitForBatches(): Promise<void> {
    // The write lock is ours by now.
  }

  /** The counters are in a table, and undone with the savepoint. */
  async attempt<T>(_counters: DeletionCounters, work: () => Promise<T>): Promise<T> {
    await this.#connection.run(sql`savepoint attempt`);
    try {
      const result = await work();
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
 * Counts the rows that are deleted from some tables, by temporary triggers: they see what foreign keys and the application's
 * own triggers delete, and are undone with the transaction. Those of other connections do not fire them.
 */
async function startCounting(connection: Connection, tables: readonly TableName[]): Promise<void> {
  await connection.run(sql`
    create temp table if not exists _vacuum_deleted (label text primary key, rows integer not null)`);
  await connection.run(sql`delete from temp._vacuum_deleted`);
  for (const table of tables) await connection.run(countDeletes(table));
}

/** The rows deleted since, by label, without the zeros. */
export async function readDeleted(
  connection: Connection,
  { tables }: DeletionCounters,
): Promise<Record<string, number>> {
  if (tables.length === 0) return {};
  const labels = JSON.stringify(tables.map(({ label }) => label));
  const { rows } = await connection.run(sql<{ label: string; rows: number }>`
    select label, rows
    from temp._vacuum_deleted
    where rows > 0 and label in (select value from json_each(${labels}))`);
  return Object.fromEntries(rows.map(({ label, rows: deleted }) => [label, deleted]));
}
