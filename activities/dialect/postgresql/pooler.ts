import { setTimeout as sleep } from 'node:timers/promises';

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Other clients of a pooler may take the session that gives it away, so that it is looked for so many times. */
const TRIES = 5;
/** A pooler with one session lets its other clients wait for as long as a transaction lasts, in milliseconds. */
const WAIT_MILLIS = 3_000;
/** A timer that lost its race keeps no process alive: a command stayed for 6 s after a run that gave space back. */
const NOT_WAITED_FOR = { ref: false };

/**
 * Whether a pooler hands the sessions of the server out for one transaction each, as PgBouncer does in transaction mode:
 * while a transaction is open on one connection, another one reaches a session that it had not before, or the same, or none.
 * False if that is not known, since the pool has no second connection.
 */
export async function isPooledByTransaction(pool: Kysely<unknown>): Promise<boolean> {
  return pool.connection().execute(async (own) => {
    const before = await readSession(own);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const probe = pool.transaction().execute(async (tx) => {
        const other = await readSession(tx);
        const again = readSession(own);
        const now = await Promise.race([again, sleep(WAIT_MILLIS, undefined, NOT_WAITED_FOR)]);
        return { pooled: other === before || now !== before, again };
      });
      const found = await Promise.race([probe, sleep(2 * WAIT_MILLIS, undefined, NOT_WAITED_FOR)]);
      if (found === undefined) {
        probe.catch(() => undefined);
        return false;
      }
      // The connection goes back to its pool with nothing under way.
      await found.again;
      if (found.pooled) return true;
    }
    return false;
  });
}

async function readSession(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}
