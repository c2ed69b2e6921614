import type {
  BacklogStore,
  BatchStore,
  GuardStore,
  HoldStore,
  KeepLastStore,
  LedgerStore,
  LedgerTables,
  PreviewStore,
  ProgressStore,
  ReclaimStore,
  RecordedFiles,
  ReportStore,
  RunStore,
  SizeStore,
} from '../../ledger-store.ts';
import type { Connection } from '../connection.ts';
import { PostgresBacklogStore } from './backlogs.ts';
import { PostgresBatchStore } from './batches.ts';
import { PostgresGuardStore } from './guards.ts';
import { PostgresHoldStore } from './holds.ts';
import { PostgresKeepLastStore } from './keep-last.ts';
import { PostgresPreviewStore } from './previews.ts';
import { PostgresProgressStore } from './progress.ts';
import { PostgresReclaimStore } from './reclaims.ts';
import { PostgresRecordedFiles } from './recorded-files.ts';
import { PostgresReportStore } from './reports.ts';
import { PostgresRunStore } from './runs.ts';
import { PostgresSizeStore } from './sizes.ts';
import { PostgresLedgerTables } from './tables.ts';

/** The statements of the ledger on PostgreSQL. */
export class PostgresLedgerStore implements LedgerStore {
  readonly tables: LedgerTables;
  readonly runs: RunStore;
  readonly batches: BatchStore;
  readonly reports: ReportStore;
  readonly progress: ProgressStore;
  readonly guards: GuardStore;
  readonly holds: HoldStore;
  readonly keepLast: KeepLastStore;
  readonly sizes: SizeStore;
  readonly reclaims: ReclaimStore;
  readonly previews: PreviewStore;
  readonly backlogs: BacklogStore;
  readonly recordedFiles: RecordedFiles;

  constructor(connection: Connection) {
    this.tables = new PostgresLedgerTables(connection);
    this.runs = new PostgresRunStore(connection);
    this.batches = new PostgresBatchStore(connection);
    this.reports = new PostgresReportStore(connection);
    this.progress = new PostgresProgressStore(connection);
    this.guards = new PostgresGuardStore(connection);
    this.holds = new PostgresHoldStore(connection);
    this.keepLast = new PostgresKeepLastStore(connection);
    this.sizes = new PostgresSizeStore(connection);
    this.reclaims = new PostgresReclaimStore(connection);
    this.previews = new PostgresPreviewStore(connection);
    this.backlogs = new PostgresBacklogStore(connection);
    this.recordedFiles = new PostgresRecordedFiles(connection);
  }
}
