import type { Kysely, Transaction, TransactionBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Deadline, TransactionLimits } from '../transaction-limits.ts';

/**
 * A session that holds a transaction open while its client is closed or stuck is ended by the server after this: it
 * would hold row locks and keep vacuum from removing dead tuples.
 */
const IDLE_MILLIS = 30_000;

/** Runs work in one transaction with local limits: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(
  db: Kysely<unknown>,
  limits: TransactionLimits,
  work: (tx: Transaction<unknown>) => Promise<T>,
): Promise<T> {
  // What was waited for must be seen, whatever the default of the database is.
  return execute(db.transaction().setIsolationLevel('read committed'), limits, work);
}

/** Runs work on one read-only snapshot: everything it reads is of one instant, and nothing can be written. */
export async function inSnapshot<T>(
  db: Kysely<unknown>,
  limits: TransactionLimits,
  work: (tx: Transaction<unknown>) => Promise<T>,
): Promise<T> {
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return execute(snapshot, limits, work);
}

/**
 * The server ends the statement of a client that is not there any more after so long. Nothing else would: a statement that
 * returns nothing until its end never notices.
 */
export const CHECK_CLIENT = '2s';

/** A statement without a limit must not go on for hours after its command was killed. Not every server can tell. */
async function endWithClient(tx: Kysely<unknown>): Promise<void> {
  const set = sql`select set_config('client_connection_check_interval', ${CHECK_CLIENT}, true)`;
  await undoOnError(tx, async () => set.execute(tx)).catch(() => undefined);
}

async function execute<T>(
  transaction: TransactionBuilder<unknown>,
  limits: TransactionLimits,
  work: (tx: Transaction<unknown>) => Promise<T>,
): Promise<T> {
  let failed: { readonly error: unknown } | undefined;
  try {
    return await transaction.execute(async (tx) => {
      try {
        await setLimits(tx, limits);
        if (limits.statementMillis === 0) await endWithClient(tx);
        return await work(tx);
      } catch (error) {
        failed = { error };
        throw error;
      }
    });
  } catch (error) {
    // If the server ended the connection, Kysely throws what its rollback says of that, and not why.
    throw failed === undefined ? error : failed.error;
  }
}

/** Runs work in a savepoint that is undone afterwards, so that its error does not end the transaction. */
export async function tryAndUndo<T>(tx: Kysely<unknown>, work: () => Promise<T>): Promise<T> {
  await sql`savepoint try_and_undo`.execute(tx);
  try {
    return await work();
  } finally {
    await sql`rollback to savepoint try_and_undo`.execute(tx);
  }
}

/** Runs work in a savepoint, and undoes it if it fails: the transaction can go on. */
export async function undoOnError<T>(tx: Kysely<unknown>, work: () => Promise<T>): Promise<T> {
  await sql`savepoint undo_on_error`.execute(tx);
  try {
    const result = await work();
    await sql`release savepoint undo_on_error`.execute(tx);
    return result;
  } catch (error) {
    await sql`rollback to savepoint undo_on_error`.execute(tx);
    throw error;
  }
}

/** A transaction took longer than it may; its statements are ended in the same way by the server. */
class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
  readonly code = '57014';
}

/** No statement is given less, in milliseconds: a hiccup would undo what is nearly done. */
const LEAST_MILLIS = 20;

/**
 * Leaves the next statements of a transaction no more than the rest of its time: a limit for each alone would let
 * several slow ones add up. Throws if nothing is left. Does nothing in the first third, since saying so in every
 * batch made 3.3 million rows take 10 % longer; a transaction can last a third longer for it.
 */
export async function enforceDeadline(tx: Kysely<unknown>, deadline: Deadline | undefined): Promise<void> {
  if (deadline === undefined) return;
  const rest = deadline.at - performance.now();
  if (rest > (2 / 3) * deadline.millis) return;
  if (rest <= 0) throw new OutOfTime('the transaction took too long');
  await limitStatements(tx, Math.max(LEAST_MILLIS, Math.ceil(rest)));
}

/** Limits the statements that follow in a transaction, or until the savepoint that they are in is undone. */
export async function limitStatements(tx: Kysely<unknown>, millis: number): Promise<void> {
  await sql`select set_config('statement_timeout', ${`${Math.round(millis)}ms`}, true)`.execute(tx);
}

/**
 * Local to the transaction, whatever server, database and role are set to. A row that is hidden is an error: it would seem
 * to be deleted. Dates, instants, numbers and lists are written the way that they are read here.
 *
 * `jit`: a batch has many expressions and little work. Compiling it took 154 of 169 ms, and up to 1.9 s for a plan with high
 * costs, anew in every batch (Debian's PostgreSQL 15). `transaction_timeout` came with version 17.
 */
async function setLimits(
  tx: Kysely<unknown>,
  { lockMillis, statementMillis }: TransactionLimits,
): Promise<void> {
  await sql`
    select
      set_config('lock_timeout', ${`${Math.round(lockMillis)}ms`}, true),
      set_config('statement_timeout', ${`${Math.round(statementMillis)}ms`}, true),
      set_config('idle_in_transaction_session_timeout', ${`${IDLE_MILLIS}ms`}, true),
      set_config('jit', 'off', true),
      set_config('row_security', 'off', true),
      set_config('datestyle', 'ISO', true),
      set_config('extra_float_digits', '1', true),
      set_config('array_nulls', 'on', true),
      case
        when current_setting('server_version_num')::int >= 170000
          then set_config('transaction_timeout', '0', true)
      end`.execute(tx);
}
