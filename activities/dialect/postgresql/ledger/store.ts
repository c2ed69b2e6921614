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
import { selectKeptGroups } from '../keep-last.ts';
import { PostgresBatchStore } from './batches.ts';
import { PostgresHoldStore } from './holds.ts';
import { LedgerPart } from './ledger-part.ts';
import { PostgresLedgerTables } from './tables.ts';

/** The statements of the ledger on PostgreSQL. */
export function createLedgerStore(connection: Connection): LedgerStore {
  const shared = new LedgerPart(connection);
  return {
    tables: new PostgresLedgerTables(connection),
    runs: new SqlRunStore(shared),
    batches: new PostgresBatchStore(connection),
    reports: new SqlReportStore(shared),
    progress: new SqlProgressStore(shared),
    guards: new SqlGuardStore(shared),
    holds: new PostgresHoldStore(connection),
    keptRows: new PostgresKeptRowsStore(connection),
    sizes: new PostgresSizeStore(connection),
    reclaims: new SqlReclaimStore(shared),
    previews: new SqlPreviewStore(shared),
    backlogs: new SqlBacklogStore(shared),
    recordedFiles: new SqlRecordedFiles(shared),
  };
}

/** Which rows the passes of open runs keep. */
class PostgresKeptRowsStore extends LedgerPart implements KeptRowsStore {
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

/** What tables measured. */
class PostgresSizeStore extends LedgerPart implements SizeStore {
  async write(
    run: number,
    when: { readonly moment: SizeMoment } | { readonly pass: number },
    sizes: readonly TableSize[],
  ): Promise<void> {
    const moment = 'pass' in when ? 'pass' : when.moment;
    const pass = 'pass' in when ? when.pass : -1;
    await sql`
      insert into ${this.table('size')}
        (run_id, moment, pass, label, heap, indexes, toast, live, dead, measured)
      select
        ${run}::int, ${moment}::text, ${pass}::int, m ->> 'table',
        (m ->> 'heap')::float8, (m ->> 'indexes')::float8, (m ->> 'toast')::float8,
        (m ->> 'live')::float8, (m ->> 'dead')::float8, m
      from jsonb_array_elements(${JSON.stringify(sizes)}::jsonb) as m
      on conflict do nothing`.execute(this.db);
  }
}
