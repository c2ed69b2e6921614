import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { DeletionCounters, LockedShard, BatchLock } from '../batch-lock.ts';
import type { HeldRows } from '../view.ts';
import type { Connection } from './connection.ts';
import { isAnythingHeld, selectHeldRows } from './holds.ts';
import { qualifiedName } from './identifiers.ts';
import { inTransaction, undoOnError } from './transaction.ts';

/** Keeps the batches of a shard apart. */
export class PostgresBatchLock implements BatchLock {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async lockShard(shardKey: string, runKey: string, counted: readonly TableName[]): Promise<LockedShard> {
    return lockShard(this.#connection, shardKey, runKey, counted);
  }

  async waitForBatches(runKey: string): Promise<void> {
    await lockKey(this.#connection, runKey);
  }

  async attempt<T>(counters: DeletionCounters, work: () => Promise<T>): Promise<T> {
    return attempt(this.#connection, counters, work);
  }

  async fireTriggers(): Promise<void> {
    await sql`set constraints all immediate`.execute(this.#connection.db);
  }

  async flushStatistics(): Promise<void> {
    await flushStatistics(this.#connection);
  }
}

/**
 * Becomes, for this transaction, the only writer of one shard, and marks its run as having a batch under way; reads the
 * counters of deleted rows, and the holds. Not locked if another attempt of the same slice is at work or the run is just
 * being closed: the database may still run the statement of a worker that Temporal gave up.
 *
 * Transaction locks, not session locks: those protect nothing behind a pooler that hands out transactions.
 */
async function lockShard(
  connection: Connection,
  shard: string,
  run: string,
  counted: readonly TableName[],
): Promise<LockedShard> {
  const { db } = connection;
  const { rows } = await sql<{ locked: boolean; before: string[]; is_held: boolean }>`
    select
      pg_try_advisory_xact_lock(hashtextextended(${shard}, 0))
      and pg_try_advisory_xact_lock_shared(hashtextextended(${run}, 0)) as locked,
      ${countersBefore(counted)} as before,
      ${isAnythingHeld(connection)} as is_held`.execute(db);
  const { locked, before, is_held: isHeld } = rows[0] ?? { locked: false, before: [], is_held: true };
  const counters: DeletionCounters = { tables: counted, before };
  return { locked, counters, holds: { rows: isHeld ? await readHeldRows(connection) : [] } };
}

/** Mostly nothing is held: to plan this in each batch made the statement that locks the shard take 1.0 ms instead of 0.3. */
async function readHeldRows(connection: Connection): Promise<readonly HeldRows[]> {
  const { rows } = await sql<{ held: HeldRows[] }>`select ${selectHeldRows(connection)} as held`.execute(
    connection.db,
  );
  return rows[0]?.held ?? [];
}

/**
 * Tries work in a savepoint. The server's counters are not transactional: a delete that a savepoint undid is still in them.
 */
async function attempt<T>(
  connection: Connection,
  { tables, before }: DeletionCounters,
  work: () => Promise<T>,
): Promise<T> {
  const { db } = connection;
  const start = await readCounters(connection, tables);
  try {
    return await undoOnError(db, async () => {
      await sql`set constraints all immediate`.execute(db);
      return work();
    });
  } catch (error) {
    // If the connection is lost the error says so, and nothing is counted any more.
    const end = await readCounters(connection, tables).catch(() => start);
    for (const [n, count] of end.entries()) {
      before[n] = String(BigInt(before[n] ?? 0) + BigInt(count) - BigInt(start[n] ?? 0));
    }
    throw error;
  }
}

async function readCounters({ db }: Connection, tables: readonly TableName[]): Promise<string[]> {
  const { rows } = await sql<{ counts: string[] }>`select ${countersBefore(tables)} as counts`.execute(db);
  return rows[0]?.counts ?? [];
}

/** Waits for a lock on a key until the transaction ends. */
export async function lockKey({ db }: Connection, key: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db);
}

/** Whether some session holds a key. The lock is tried and given back at once. */
export async function isKeyHeld({ db }: Connection, key: string): Promise<boolean> {
  return inTransaction(db, { lockMillis: 1000, statementMillis: 5000 }, async (tx) => {
    const { rows } = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${key}, 0)) as free`.execute(tx);
    return rows[0]?.free !== true;
  });
}

/** How often to look whether the connection that holds a key lives, in milliseconds; shorter than routers forget it. */
const ALIVE_MILLIS = 20_000;
/** How long to wait before a key is held anew, in milliseconds. */
const AGAIN_MILLIS = 500;

/**
 * Holds a key on a connection of its own until the returned function is called; anew if the connection is lost.
 *
 * By a transaction that stays open: a pooler that hands out transactions keeps the server's session, and with it a
 * session lock, long after its client has died. The transaction has no snapshot, so that it keeps vacuum from nothing.
 */
export async function holdKey({ db }: Connection, key: string): Promise<() => Promise<void>> {
  const release = new AbortController();
  const { signal } = release;
  const held = Promise.withResolvers<void>();
  const hold = async (): Promise<void> =>
    inTransaction(db, { lockMillis: 5_000, statementMillis: 5_000 }, async (tx) => {
      await sql`
        select
          set_config('idle_in_transaction_session_timeout', '0', true),
          pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(tx);
      held.resolve();
      while (await isStillHeld(signal)) await sql`select 1`.execute(tx);
    });
  const holding = (async () => {
    while (!signal.aborted) {
      await hold().catch((error: unknown) => held.reject(error));
      // Ends at once if the key was given back.
      await sleep(AGAIN_MILLIS, undefined, { signal }).catch(() => undefined);
    }
  })();
  try {
    await held.promise;
  } catch (error) {
    release.abort();
    throw error;
  }
  return async () => {
    release.abort();
    await holding;
  };
}

/** Waits until it is time to look whether the connection lives; false once the key is given back. */
async function isStillHeld(released: AbortSignal): Promise<boolean> {
  await sleep(ALIVE_MILLIS, undefined, { signal: released }).catch(() => undefined);
  return !released.aborted;
}

/**
 * How many rows this backend has deleted from some tables, by its own counters; for use inside a statement.
 *
 * The difference between two readings in one transaction is what the transaction deleted, with everything that
 * foreign keys cascaded to, however deep. Counting the children first cannot be as exact: a grandchild may arrive
 * between the count and the delete, since only the parent's row is locked. The counters are not transactional over
 * a session (earlier transactions may still be in them), which the difference takes out.
 */
function countersBefore(tables: readonly TableName[]): RawBuilder<string[]> {
  return sql`array(
    select coalesce(pg_stat_get_xact_tuples_deleted(to_regclass(w.name)::oid), 0)::text
    from unnest(${tables.map(qualifiedName)}::text[]) with ordinality as w(name, n)
    order by w.n)`;
}

/** The rows deleted since, as a JSON object of label and count without the zeros; for use inside a statement. */
export function deletedSince({ tables, before }: DeletionCounters): RawBuilder<Record<string, number>> {
  return sql`(
    select coalesce(jsonb_object_agg(d.label, d.rows), '{}')
    from (
      select w.label, sum(pg_stat_get_xact_tuples_deleted(to_regclass(w.name)::oid) - w.before) as rows
      from unnest(
        ${tables.map((table) => table.label)}::text[],
        ${tables.map(qualifiedName)}::text[],
        ${before}::bigint[]) as w(label, name, before)
      group by w.label
    ) as d
    where d.rows > 0)`;
}

/**
 * Reports what this session did to the server's statistics when the transaction commits. By itself a session reports once
 * a second, and the rest when it has been idle for ten; whoever measures after the last batch would see no dead rows.
 * PostgreSQL 14 cannot do that.
 */
async function flushStatistics(connection: Connection): Promise<void> {
  const { rows } = await sql<{ can: boolean }>`
    select current_setting('server_version_num')::int >= 150000 as can`.execute(connection.db);
  if (rows[0]?.can === true) await sql`select pg_stat_force_next_flush()`.execute(connection.db);
}
