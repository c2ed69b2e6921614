import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { DeletionCounters } from './deletion-counters.ts';
import { deletedBefore } from './deletion-counters.ts';
import type { HeldRows } from './holds.ts';
import { heldRows } from './holds.ts';
import type { TableName } from './names.ts';
import type { Tx } from './transaction.ts';
import { inTransaction } from './transaction.ts';

/** What a batch found at its begin. */
export interface Entered {
  readonly entered: boolean;
  readonly counters: DeletionCounters;
  readonly held: readonly HeldRows[];
}

/**
 * Takes, for this transaction, the place of the only writer of one shard, and marks its run as having a batch under
 * way; reads the counters that its deletes are counted by, and the holds. Not entered where another attempt of the same slice is at work or the run is just being closed: the database may
 * still run the statement of a worker that Temporal gave up.
 *
 * Transaction locks, not session locks: those protect nothing behind a pooler that hands out transactions.
 */
export async function enterBatch(
  tx: Tx,
  shard: string,
  run: string,
  counted: readonly TableName[],
  holds: RawBuilder<unknown>,
): Promise<Entered> {
  const { rows } = await sql<{ entered: boolean; before: string[]; held: HeldRows[] }>`
    select
      pg_try_advisory_xact_lock(hashtextextended(${shard}, 0))
      and pg_try_advisory_xact_lock_shared(hashtextextended(${run}, 0)) as entered,
      ${deletedBefore(counted)} as before,
      ${heldRows(holds)} as held`.execute(tx);
  const { entered, before, held } = rows[0] ?? { entered: false, before: [], held: [] };
  return { entered, counters: { tables: counted, before }, held };
}

/** Waits until no batch of a run is under way and keeps new ones out until this transaction ends. */
export async function waitForBatches(tx: Tx, run: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${run}, 0))`.execute(tx);
}

/** Makes concurrent transactions with the same words go one after the other. */
export async function takeTurns(tx: Tx, words: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${words}, 0))`.execute(tx);
}

/**
 * Whether some session holds the lock with these words: see {@link holdForSession}. The lock is tried and given back
 * at once.
 */
export async function isSessionAlive(db: Kysely<unknown>, words: string): Promise<boolean> {
  return inTransaction(db, { lockMillis: 1000, statementMillis: 5000 }, async (tx) => {
    const { rows } = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${words}, 0)) as free`.execute(tx);
    return rows[0]?.free !== true;
  });
}

/** Holds a lock for as long as the session of a connection lives, so that others can see that it does. */
export async function holdForSession(connection: Kysely<unknown>, words: string): Promise<void> {
  // It only has to live: the server must not end it for doing nothing.
  await sql`set idle_session_timeout = 0`.execute(connection);
  await sql`select pg_advisory_lock(hashtextextended(${words}, 0))`.execute(connection);
}
