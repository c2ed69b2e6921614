import type { Database } from '../database/database.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';

const MINUTE = { lockMillis: 5_000, statementMillis: 60_000 };
const TOO_LONG = '57014';

/** Reads on a snapshot of its own; undefined where a statement takes longer than a minute. */
export async function withinAMinute<T>(
  { db }: Pick<Database, 'db'>,
  work: (tx: Tx) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await inSnapshot(db, MINUTE, work);
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== TOO_LONG) throw error;
    return undefined;
  }
}
