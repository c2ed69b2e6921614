import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../../stored/expiry.ts';
import type { SizeMoment, TableSize } from '../../../stored/size.ts';
import type { LedgerStore, KeptRowsStore, SizeStore } from '../../ledger-store.ts';
import { SqlBacklogStore } from '../../ledger/backlogs.ts';
import { SqlGuardStore } from '../../ledger/guards.ts';
import { SqlPreviewStore } from '../../ledger/previews.ts';
import { SqlProgressStore } from '../../ledger/progress.ts';
import { SqlReclaimStore } from '../../ledger/reclaims.ts';
import { SqlRecordedFiles } from '../../ledger/recorded-files.ts';
import { SqlReportStore } from '../../ledger/reports.ts';
import { SqlRunStore } from '../../ledger/runs.ts';
import type { Connection } from '../connection.ts';
import type { SqliteFile } from '../file.ts';
import { selectNewest } from '../keep-last.ts';
import { SqliteBatchStore } from './batches.ts';
import { SqliteHoldStore } from './holds.ts';
import { LedgerPart } from './ledger-part.ts';
import { SqliteLedgerTables } from './tables.ts';

/** The statements of the ledger on SQLite. */
export function createLedgerStore(connection: Connection, file: SqliteFile): LedgerStore {
  const shared = new LedgerPart(connection);
  return {
    tables: new SqliteLedgerTables(connection, file),
    runs: new SqlRunStore(shared),
    batches: new SqliteBatchStore(connection),
    reports: new SqlReportStore(shared),
    progress: new SqlProgressStore(shared),
    guards: new SqlGuardStore(shared),
    holds: new SqliteHoldStore(connection),
    keptRows: new SqliteKeptRowsStore(connection),
    sizes: new SqliteSizeStore(connection),
    reclaims: new SqlReclaimStore(shared),
    previews: new SqlPreviewStore(shared),
    backlogs: new SqlBacklogStore(shared),
    recordedFiles: new SqlRecordedFiles(shared),
  };
}

/** Which rows the passes of open runs keep: a row for each. */
class SqliteKeptRowsStore extends LedgerPart implements KeptRowsStore {
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

/** What tables measured. */
class SqliteSizeStore extends LedgerPart implements SizeStore {
  async write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void> {
    const moment = 'pass' in when ? 'pass' : when.moment;
    const pass = 'pass' in when ? when.pass : -1;
    await this.change(sql`
      insert into ${this.table('size')} (run_id, moment, pass, label, measured, at)
      select ${run}, ${moment}, ${pass}, m.value ->> 'table', m.value, ${Date.now()}
      from json_each(${JSON.stringify(sizes)}) as m
      where true
      on conflict do nothing`);
  }
}
