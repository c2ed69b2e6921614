import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { inTransaction, tryAndUndo } from '../sql/transaction.ts';

const LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };

/** Whether another session has a row locked now, as a batch would find it. False where the role may not lock rows. */
export async function findLocked(db: Kysely<unknown>, table: TableName, place: string): Promise<boolean> {
  return inTransaction(db, LIMITS, async (tx) => {
    const there = sql`from ${tableOf(table)} as t where t.ctid = ${place}::tid`;
    try {
      // The lock is given back at once.
      const { rows: free } = await tryAndUndo(tx, async () =>
        sql`select 1 ${there} for update of t skip locked`.execute(tx),
      );
      if (free.length > 0) return false;
    } catch (error) {
      if (readDatabaseError(error)?.sqlstate === '42501') return false;
      throw error;
    }
    // It may also have moved or gone since it was judged.
    const { rows: left } = await sql`select 1 ${there}`.execute(tx);
    return left.length > 0;
  });
}
