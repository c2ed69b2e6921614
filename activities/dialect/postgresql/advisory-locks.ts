import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'kysely';

import type { Connection } from './connection.ts';
import { inTransaction } from './transaction.ts';

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
