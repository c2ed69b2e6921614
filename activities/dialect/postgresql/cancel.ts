import { setTimeout as sleep } from 'node:timers/promises';

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** A request that comes just before the statement starts is lost, so that it is made again after so long. */
const RETRY_MILLIS = 500;

/**
 * Runs work of a session, and asks the server to end its statement when a signal fires, over another session.
 * Kysely's own way waits for the transaction's session, which is the one that is busy (version 0.29.6).
 */
export async function cancelOn<T>(
  signal: AbortSignal | undefined,
  db: Kysely<unknown>,
  session: Kysely<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(session);
  let requested: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const request = (): void => {
    // If the server cannot be reached there is nothing to end.
    requested = sql`select pg_cancel_backend(${rows[0]?.pid ?? 0})`.execute(db).catch(() => undefined);
  };
  const cancel = (): void => {
    request();
    timer = setInterval(request, RETRY_MILLIS);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', cancel);
    clearInterval(timer);
    // A request that is on its way must not meet the next statement of the session. A pool of one cannot send it.
    await Promise.race([requested, sleep(RETRY_MILLIS, undefined, { ref: false })]);
  }
}
