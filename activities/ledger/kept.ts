import { sql } from 'kysely';

import { keptWhole } from '../sql/kept-whole.ts';
import type { KeepingExpiry, KeptList } from '../sql/kept.ts';
import { keptGroups } from '../sql/kept.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { limitStatements, orUndo } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';

/** Where what is kept lies is looked for no longer than this. */
const MOST_MILLIS = 20_000;

/** What a pass of a run keeps, by the ledger. */
export function keptList(ledger: Ledger, run: number, pass: number): KeptList {
  return { table: ledger.table('kept'), whole: ledger.table('kept_whole'), run, pass };
}

/** Writes down which rows a pass of a run keeps, as they are now. */
export async function writeKept(
  tx: Tx,
  ledger: Ledger,
  run: number,
  pass: number,
  expiry: KeepingExpiry,
): Promise<void> {
  const list = keptList(ledger, run, pass);
  await sql`
    insert into ${list.table} (run_id, pass, entry, grp, keys, places, file, before)
    select ${run}::int, ${pass}::int, g.entry, g.grp, g.keys, g.places, g.file, g.before
    from (${keptGroups(expiry)}) as g`.execute(tx);
  // Only to be fast: what takes too long is left out.
  const limit = await sql<{ was: string }>`select current_setting('statement_timeout') as was`.execute(tx);
  try {
    await orUndo(tx, async () => {
      await limitStatements(tx, MOST_MILLIS);
      await sql`
        insert into ${list.whole} (run_id, pass, froms, untils, rows, places, file, before)
        select ${run}::int, ${pass}::int, w.froms, w.untils, w.rows, w.places, w.file, w.before
        from (${keptWhole(expiry, list)}) as w`.execute(tx);
    });
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== '57014') throw error;
  }
  await sql`select set_config('statement_timeout', ${limit.rows[0]?.was}, true)`.execute(tx);
}

/** Forgets it. */
export async function dropKept(tx: Tx, ledger: Ledger, run: number): Promise<void> {
  for (const name of ['kept', 'kept_whole'] as const) {
    await sql`delete from ${ledger.table(name)} where run_id = ${run}`.execute(tx);
  }
}
