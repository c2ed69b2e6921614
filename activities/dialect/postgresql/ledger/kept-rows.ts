import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { KeptRowsStore } from '../../ledger-store.ts';
import { selectKeptGroups } from '../keep-last.ts';
import { LedgerPart } from './ledger-part.ts';

/** Which rows the passes of open runs keep. */
export class PostgresKeptRowsStore extends LedgerPart implements KeptRowsStore {
  async write(run: number, pass: number, expiry: KeepLastExpiry): Promise<void> {
    await sql`
      insert into ${this.table('kept')} (run_id, pass, retention_index, group_key, keys, tids, file, oldest_xid)
      select ${run}::int, ${pass}::int, g.retention_index, g.group_key, g.keys, g.tids, g.file, g.oldest_xid
      from (${selectKeptGroups(expiry)}) as g`.execute(this.db);
  }

  async delete(run: number): Promise<void> {
    await sql`delete from ${this.table('kept')} where run_id = ${run}`.execute(this.db);
  }
}
