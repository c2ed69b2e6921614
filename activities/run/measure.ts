import { log } from '@temporalio/activity';

import type { Database } from '../database/database.ts';
import { addNotes } from '../ledger/notes.ts';
import type { Moment } from '../ledger/sizes.ts';
import { tablesOfRun, writeSizes } from '../ledger/sizes.ts';
import { readSizes } from '../sql/sizes.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { inSnapshot } from '../sql/transaction.ts';

/** Whoever holds a table exclusively is not waited for long. */
const LIMITS = { lockMillis: 1_000, statementMillis: 10_000 };

/**
 * Measures the tables of an open run into the ledger, from catalog and statistics. What goes wrong is said among the
 * notes of the run and fails nothing.
 */
export async function measureRun({ db, ledger }: Database, run: number, moment: Moment): Promise<void> {
  try {
    const tables = await tablesOfRun(ledger, run);
    const sizes = await inSnapshot(db, LIMITS, async (tx) => readSizes(tx, tables));
    await writeSizes(db, ledger, run, { moment }, sizes);
  } catch (error) {
    log.debug('measuring tables failed', { error });
    const why = readDatabaseError(error)?.meaning ?? 'an unexpected error';
    const what = `sizes of tables at the ${moment} of the run are not known: ${why}`;
    // Where nothing can be written, the next step of the run says so.
    await addNotes(db, ledger, run, [{ what }]).catch(() => undefined);
  }
}
