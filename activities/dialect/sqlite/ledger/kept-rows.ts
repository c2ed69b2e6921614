import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { KeptRowsStore } from '../../ledger-store.ts';
import { selectNewest } from '../keep-last.ts';
import { LedgerPart } from './ledger-part.ts';

/** Which rows the passes of open runs keep: a row for each. */
export class SqliteKeptRowsStore extends LedgerPart implements KeptRowsStore {
  async write(run: number, pass: number, expiry: KeepLastExpiry): Promise<void> {
    await this.change(sql`
      insert into ${this.table('kept')} (run_id, pass, retention_index, group_key, key)
      select ${run}, ${pass}, n.retention_index, n.group_key, n.key
      from (${selectNewest(expiry)}) as n`);
  }

  async delete(run: number): Promise<void> {
    await this.change(sql`delete from ${this.table('kept')} where run_id = ${run}`);
  }
}
