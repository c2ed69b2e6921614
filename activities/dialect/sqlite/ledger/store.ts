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
import type { SqliteFile } from '../file.ts';
import { selectNewest } from '../keep-last.ts';
import { SqliteBatchStore } from './batches.ts';
import { createHolds } from './holds.ts';
import { createLedgerSql } from './ledger-sql.ts';
import { createLedgerTables } from './tables.ts';

/** The statements of the ledger on SQLite. */
export function createLedgerStore(connection: Connection, file: SqliteFile): LedgerStore {
  const shared = createLedgerSql(connection);
  return {
    tables: createLedgerTables(connection, file),
    runs: new SqlRunStore(shared),
    batches: new SqliteBatchStore(connection),
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

/** Which rows the passes of open runs keep: a row for each. */
function createKeptRows(connection: Connection): KeptRowsStore {
  const ledger = createLedgerSql(connection);
  return {
    async write(run, pass, expiry) {
      await ledger.change(sql`
        insert into ${ledgerTable(connection, 'kept')} (run_id, pass, retention_index, group_key, key)
        select ${run}, ${pass}, n.retention_index, n.group_key, n.key
        from (${selectNewest(expiry)}) as n`);
    },

    async delete(run) {
      await ledger.change(sql`delete from ${ledgerTable(connection, 'kept')} where run_id = ${run}`);
    },
  };
}

/** What tables measured. */
function createSizes(connection: Connection): SizeStore {
  const ledger = createLedgerSql(connection);
  return {
    async write(run, when, sizes) {
      const moment = 'pass' in when ? 'pass' : when.moment;
      const pass = 'pass' in when ? when.pass : -1;
      await ledger.change(sql`
        insert into ${ledgerTable(connection, 'size')} (run_id, moment, pass, label, measured, at)
        select ${run}, ${moment}, ${pass}, m.value ->> 'table', m.value, ${Date.now()}
        from json_each(${JSON.stringify(sizes)}) as m
        where true
        on conflict do nothing`);
    },
  };
}
