import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';

/** A transaction in which statements run; nothing but this file begins or ends one. */
export type Tx = Transaction<unknown>;

/** How long a transaction may wait and work, in milliseconds. 0 is no limit. */
export interface TransactionLimits {
  /** For one lock. */
  readonly lockMillis: number;
  /** For one statement. */
  readonly statementMillis: number;
}

/**
 * A session that holds a transaction open while its client is gone or stuck is ended by the server after this: it
 * would hold row locks and keep vacuum from removing dead tuples.
 */
const IDLE_MILLIS = 30_000;

/** Runs work in one transaction with local limits: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(
  db: Kysely<unknown>,
  limits: TransactionLimits,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await setLimits(tx, limits);
    return work(tx);
  });
}

/** Runs work on one read-only snapshot: everything it reads is of one instant, and nothing can be written. */
export async function inSnapshot<T>(
  db: Kysely<unknown>,
  limits: TransactionLimits,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      await setLimits(tx, limits);
      return work(tx);
    });
}

/** Runs work in a savepoint that is undone afterwards, so that its error does not end the transaction. */
export async function tryAndUndo<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await sql`savepoint try_and_undo`.execute(tx);
  try {
    return await work();
  } finally {
    await sql`rollback to savepoint try_and_undo`.execute(tx);
  }
}

async function setLimits(tx: Tx, { lockMillis, statementMillis }: TransactionLimits): Promise<void> {
  await sql`
    select
      set_config('lock_timeout', ${`${Math.round(lockMillis)}ms`}, true),
      set_config('statement_timeout', ${`${Math.round(statementMillis)}ms`}, true),
      set_config('idle_in_transaction_session_timeout', ${`${IDLE_MILLIS}ms`}, true)`.execute(tx);
}
