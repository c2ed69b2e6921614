import type { LedgerStore } from '../../ledger-store.ts';
import type { Connection } from '../connection.ts';
import type { SqliteFile } from '../file.ts';
import { SqliteBacklogStore } from './backlogs.ts';
import { SqliteBatchStore } from './batches.ts';
import { SqliteGuardStore } from './guards.ts';
import { SqliteHoldStore } from './holds.ts';
import { SqliteKeptRowsStore } from './kept-rows.ts';
import { SqlitePreviewStore } from './previews.ts';
import { SqliteProgressStore } from './progress.ts';
import { SqliteReclaimStore } from './reclaims.ts';
import { SqliteRecordedFiles } from './recorded-files.ts';
import { SqliteReportStore } from './reports.ts';
import { SqliteRunStore } from './runs.ts';
import { SqliteSizeStore } from './sizes.ts';
import { SqliteLedgerTables } from './tables.ts';

/** The statements of the ledger on SQLite. */
export function createLedgerStore(connection: Connection, file: SqliteFile): LedgerStore {
  return {
    tables: new SqliteLedgerTables(connection, file),
    runs: new SqliteRunStore(connection),
    batches: new SqliteBatchStore(connection),
    reports: new SqliteReportStore(connection),
    progress: new SqliteProgressStore(connection),
    guards: new SqliteGuardStore(connection),
    holds: new SqliteHoldStore(connection),
    keptRows: new SqliteKeptRowsStore(connection),
    sizes: new SqliteSizeStore(connection),
    reclaims: new SqliteReclaimStore(connection),
    previews: new SqlitePreviewStore(connection),
    backlogs: new SqliteBacklogStore(connection),
    recordedFiles: new SqliteRecordedFiles(connection),
  };
}
