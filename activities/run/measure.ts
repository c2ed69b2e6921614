import { log } from '@temporalio/activity';

import { readDatabaseError } from '../dialect/read-error.ts';
import { distinctTables } from '../dialect/table-names.ts';
import type { Database } from '../ledger/database.ts';
import { addNotes } from '../ledger/runs.ts';
import type { SizeMoment } from '../stored/size.ts';

/** A session that holds a table exclusively is not waited for long. */
const LIMITS = { lockMillis: 1_000, statementMillis: 10_000 };

/**
 * Measures the tables of an open run into the ledger, from catalog and statistics. An error becomes a note of the run and
 * fails nothing. A database that cannot tell sizes is not measured.
 */
export async function measureRun(
  { session, ledger }: Database,
  run: number,
  moment: SizeMoment,
): Promise<void> {
  if (session.sizes === undefined) return;
  try {
    const tables = distinctTables(await session.ledger.runs.readTables(run));
    const sizes = await session.snapshot(LIMITS, async (tx) => tx.sizes?.read(tables));
    await session.ledger.sizes.write(run, { moment }, sizes ?? []);
  } catch (error) {
    log.debug('measuring tables failed', { error });
    const reason = readDatabaseError(error)?.meaning ?? 'an unexpected error';
    const what = `sizes of tables at the ${moment} of the run are not known: ${reason}`;
    // If nothing can be written, the next step of the run reports it.
    await addNotes(ledger, run, [{ what }]).catch(() => undefined);
  }
}
