import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { BatchLock, DeletionCounters, LockedShard } from '../batch-lock.ts';
import type { HeldRows } from '../view.ts';
import { lockKey } from './advisory-locks.ts';
import type { Connection } from './connection.ts';
import { countersBefore, readCounters } from './deletion-counters.ts';
import { isAnythingHeld, selectHeldRows } from './holds.ts';
import { undoOnError } from './transaction.ts';

/** Keeps the batches of a shard apart. */
export class PostgresBatchLock implements BatchLock {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Not locked if another attempt of the same slice is at work or the run is just being closed: the database may still run the
   * statement of a worker that Temporal gave up.
   *
   * Transaction locks, not session locks: those protect nothing behind a pooler that hands out transactions.
   */
  async lockShard(shardKey: string, runKey: string, counted: readonly TableName[]): Promise<LockedShard> {
    const { rows } = await sql<{ locked: boolean; before: string[]; is_held: boolean }>`
      select
        pg_try_advisory_xact_lock(hashtextextended(${shardKey}, 0))
        and pg_try_advisory_xact_lock_shared(hashtextextended(${runKey}, 0)) as locked,
        ${countersBefore(counted)} as before,
        ${isAnythingHeld(this.#connection)} as is_held`.execute(this.#connection.db);
    const { locked, before, is_held: isHeld } = rows[0] ?? { locked: false, before: [], is_held: true };
    const holds = { rows: isHeld ? await readHeldRows(this.#connection) : [] };
    return { locked, counters: { tables: counted, before }, holds };
  }

  async waitForBatches(runKey: string): Promise<void> {
    await lockKey(this.#connection, runKey);
  }

  /** The server's counters are not transactional: a delete that a savepoint undid is still in them. */
  async attempt<T>({ tables, before }: DeletionCounters, work: () => Promise<T>): Promise<T> {
    const { db } = this.#connection;
    const start = await readCounters(this.#connection, tables);
    try {
      return await undoOnError(db, async () => {
        await this.fireTriggers();
        return work();
      });
    } catch (error) {
      // If the connection is lost the error says so, and nothing is counted any more.
      const end = await readCounters(this.#connection, tables).catch(() => start);
      for (const [n, count] of end.entries()) {
        before[n] = String(BigInt(before[n] ?? 0) + BigInt(count) - BigInt(start[n] ?? 0));
      }
      throw error;
    }
  }

  async fireTriggers(): Promise<void> {
    await sql`set constraints all immediate`.execute(this.#connection.db);
  }

  /**
   * By itself a session reports once a second, and the rest when it has been idle for ten; whoever measures after the last
   * batch would see no dead rows. PostgreSQL 14 cannot do that.
   */
  async flushStatistics(): Promise<void> {
    const { db } = this.#connection;
    const { rows } = await sql<{ can: boolean }>`
      select current_setting('server_version_num')::int >= 150000 as can`.execute(db);
    if (rows[0]?.can === true) await sql`select pg_stat_force_next_flush()`.execute(db);
  }
}

/** Mostly nothing is held: to plan this in each batch made the statement that locks the shard take 1.0 ms instead of 0.3. */
async function readHeldRows(connection: Connection): Promise<readonly HeldRows[]> {
  const { rows } = await sql<{ held: HeldRows[] }>`select ${selectHeldRows(connection)} as held`.execute(
    connection.db,
  );
  return rows[0]?.held ?? [];
}
