import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { Tx } from './transaction.ts';

/**
 * Runs work of a transaction, and asks the server to end its statement when a signal says so, over another session.
 * Kysely's own way waits for the transaction's session, which is the one that is busy (version 0.29.6).
 */
export async function cancelledBy<T>(
  signal: AbortSignal | undefined,
  db: Kysely<unknown>,
  tx: Tx,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
  const cancel = (): void => {
    // Where the server cannot be reached there is nothing to end.
    sql`select pg_cancel_backend(${rows[0]?.pid ?? 0})`.execute(db).catch(() => undefined);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
