import { sql } from 'kysely';

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
import { ledgerTable } from '../connection.ts';
import { selectKeptGroups } from '../keep-last.ts';
import { PostgresBatchStore } from './batches.ts';
import { createHolds } from './holds.ts';
import { createLedgerSql } from './ledger-sql.ts';
import { createLedgerTables } from './tables.ts';

/** The statements of the ledger on PostgreSQL. */
export function createLedgerStore(connection: Connection): LedgerStore {
  const shared = createLedgerSql(connection);
  return {
    tables: createLedgerTables(connection),
    runs: new SqlRunStore(shared),
    batches: new PostgresBatchStore(connection),
    reports: new SqlReportStore(shared),
    progress: new SqlProgressStore(shared),
    guards: new SqlGuardStore(shared),
    holds: createHolds(connection),
    keptRows: createKeptRows(connection),
    sizes: createSizes(connection),
    reclaims: new SqlReclaimStore(shared),
    previews: new SqlPreviewStore(shared),
    backlogs: new SqlBacklogStore(shared),
    recordedFiles: new SqlRecordedFiles(shared),
  };
}

/** Which rows the passes of open runs keep. */
function createKeptRows(connection: Connection): KeptRowsStore {
  return {
    async write(run, pass, expiry) {
      await sql`
        insert into ${ledgerTable(connection, 'kept')} (run_id, pass, retention_index, group_key, keys, tids, file, oldest_xid)
        select ${run}::int, ${pass}::int, g.retention_index, g.group_key, g.keys, g.tids, g.file, g.oldest_xid
        from (${selectKeptGroups(expiry)}) as g`.execute(connection.db);
    },

    async delete(run) {
      await sql`delete from ${ledgerTable(connection, 'kept')} where run_id = ${run}`.execute(connection.db);
    },
  };
}

/** What tables measured. */
function createSizes(connection: Connection): SizeStore {
  return {
    async write(run, when, sizes) {
      const moment = 'pass' in when ? 'pass' : when.moment;
      const pass = 'pass' in when ? when.pass : -1;
      await sql`
        insert into ${ledgerTable(connection, 'size')}
          (run_id, moment, pass, label, heap, indexes, toast, live, dead, measured)
        select
          ${run}::int, ${moment}::text, ${pass}::int, m ->> 'table',
          (m ->> 'heap')::float8, (m ->> 'indexes')::float8, (m ->> 'toast')::float8,
          (m ->> 'live')::float8, (m ->> 'dead')::float8, m
        from jsonb_array_elements(${JSON.stringify(sizes)}::jsonb) as m
        on conflict do nothing`.execute(connection.db);
    },
  };
}
