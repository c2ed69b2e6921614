import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { KeepLastStore } from '../../ledger-store.ts';
import { readPostgresError } from '../errors.ts';
import { selectKeptGroups } from '../keep-last.ts';
import { selectKeptLocations } from '../kept-locations.ts';
import { limitStatements, undoOnError } from '../transaction.ts';
import { LedgerPart } from './ledger-part.ts';

/** The locations of kept rows are looked for no longer than this. */
const MAX_MILLIS = 20_000;

/** Which rows the passes of open runs keep. */
export class PostgresKeepLastStore extends LedgerPart implements KeepLastStore {
  async write(run: number, pass: number, expiry: KeepLastExpiry): Promise<void> {
    const { connection, db } = this;
    await sql`
      insert into ${this.table('kept')} (run_id, pass, retention_index, group_key, keys, tids, file, oldest_xid)
      select ${run}::int, ${pass}::int, g.retention_index, g.group_key, g.keys, g.tids, g.file, g.oldest_xid
      from (${selectKeptGroups(expiry)}) as g`.execute(db);
    // Only to be fast: what takes too long is left out.
    const { rows } = await sql<{ before: string }>`
      select current_setting('statement_timeout') as before`.execute(db);
    try {
      await undoOnError(db, async () => {
        await limitStatements(db, MAX_MILLIS);
        await sql`
          insert into ${this.table('kept_whole')} (run_id, pass, from_tids, to_tids, rows, tids, file, oldest_xid)
          select ${run}::int, ${pass}::int, w.from_tids, w.to_tids, w.rows, w.tids, w.file, w.oldest_xid
          from (${selectKeptLocations(connection, expiry, { run, pass })}) as w`.execute(db);
      });
    } catch (error) {
      if (readPostgresError(error)?.kind !== 'timeout') throw error;
    }
    await sql`select set_config('statement_timeout', ${rows[0]?.before}, true)`.execute(db);
  }

  async delete(run: number): Promise<void> {
    for (const name of ['kept', 'kept_whole'] as const) {
      await sql`delete from ${this.table(name)} where run_id = ${run}`.execute(this.db);
    }
  }
}
