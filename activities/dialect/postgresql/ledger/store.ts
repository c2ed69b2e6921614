import type { LedgerStore } from '../../ledger-store.ts';
import type { Connection } from '../connection.ts';
import { PostgresBacklogStore } from './backlogs.ts';
import { PostgresBatchStore } from './batches.ts';
import { PostgresGuardStore } from './guards.ts';
import { PostgresHoldStore } from './holds.ts';
import { PostgresKeptRowsStore } from './kept-rows.ts';
import { PostgresPreviewStore } from './previews.ts';
import { PostgresProgressStore } from './progress.ts';
import { PostgresReclaimStore } from './reclaims.ts';
import { PostgresRecordedFiles } from './recorded-files.ts';
import { PostgresReportStore } from './reports.ts';
import { PostgresRunStore } from './runs.ts';
import { PostgresSizeStore } from './sizes.ts';
import { PostgresLedgerTables } from './tables.ts';

/** The statements of the ledger on PostgreSQL. */
export function createLedgerStore(connection: Connection): LedgerStore {
  return {
    tables: new PostgresLedgerTables(connection),
    runs: new PostgresRunStore(connection),
    batches: new PostgresBatchStore(connection),
    reports: new PostgresReportStore(connection),
    progress: new PostgresProgressStore(connection),
    guards: new PostgresGuardStore(connection),
    holds: new PostgresHoldStore(connection),
    keptRows: new PostgresKeptRowsStore(connection),
    sizes: new PostgresSizeStore(connection),
    reclaims: new PostgresReclaimStore(connection),
    previews: new PostgresPreviewStore(connection),
    backlogs: new PostgresBacklogStore(connection),
    recordedFiles: new PostgresRecordedFiles(connection),
  };
}
