import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { inTransaction, tryAndUndo } from '../sql/transaction.ts';

const LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };

/** Nobody can lock a row: the role may not, or the database is read-only, as a standby is. */
const UNKNOWN = new Set(['42501', '25006']);
/** Another session has the whole table locked. */
const TABLE_LOCKED = '55P03';

/**
 * Whether another session has a row, or its table, locked now, as a batch would find it. Takes the lock itself and gives it
 * back at once. False where that cannot be known: the role may not lock rows, or the database is a standby.
 */
export async function findLocked(db: Kysely<unknown>, table: TableName, place: string): Promise<boolean> {
  try {
    return await tryToLock(db, table, place);
  } catch (error) {
    const sqlstate = readDatabaseError(error)?.sqlstate ?? '';
    if (UNKNOWN.has(sqlstate)) return false;
    if (sqlstate === TABLE_LOCKED) return true;
    throw error;
  }
}

async function tryToLock(db: Kysely<unknown>, table: TableName, place: string): Promise<boolean> {
  return inTransaction(db, LIMITS, async (tx) => {
    const there = sql`from ${tableOf(table)} as t where t.ctid = ${place}::tid`;
    // The lock is given back at once.
    const { rows: free } = await tryAndUndo(tx, async () =>
      sql`select 1 ${there} for update of t skip locked`.execute(tx),
    );
    if (free.length > 0) return false;
    // It may also have moved or gone since it was judged.
    const { rows: left } = await sql`select 1 ${there}`.execute(tx);
    return left.length > 0;
  });
}
