export { expireRows, softChild } from './policy/expire-rows.ts';
export type { ExpireRows, ExpireRowsOptions, SoftChild, SoftChildOptions } from './policy/expire-rows.ts';
export { epoch } from './policy/epoch.ts';
export { parentAge } from './policy/parent-age.ts';
export type { ParentAge, ParentAgeOptions } from './policy/parent-age.ts';
export type { Age, EpochAge, EpochUnit } from './policy/epoch.ts';
export { deleteOrphans } from './policy/delete-orphans.ts';
export type { DeleteOrphans, DeleteOrphansOptions } from './policy/delete-orphans.ts';
export { deleteUnreferenced, softReference } from './policy/delete-unreferenced.ts';
export type {
  DeleteUnreferenced,
  DeleteUnreferencedOptions,
  SoftReference,
  SoftReferenceOptions,
} from './policy/delete-unreferenced.ts';
export { dropPartitions } from './policy/drop-partitions.ts';
export type { DropPartitions, DropPartitionsOptions } from './policy/drop-partitions.ts';
export { deleteRecordedFiles } from './policy/delete-recorded-files.ts';
export type { DeleteRecordedFiles, DeleteRecordedFilesOptions } from './policy/delete-recorded-files.ts';
export { sweepStrayFiles } from './policy/sweep-stray-files.ts';
export type { SweepStrayFiles, SweepStrayFilesOptions } from './policy/sweep-stray-files.ts';
export { fileRoot, recordedPath } from './policy/file-root.ts';
export type { FileRoot, FileRootOptions, RecordedPath, RecordedPathOptions } from './policy/file-root.ts';
export { compareKeys, FileRefused, RootUnusable } from './policy/file-store.ts';
export type { FileStore, OpenFileStore, StoredFile } from './policy/file-store.ts';
export { localDisk } from './activities/files/local-disk.ts';
export type { LocalDiskOptions } from './activities/files/local-disk.ts';
export { repointLatest } from './policy/repoint-latest.ts';
export type { RepointLatest, RepointLatestOptions } from './policy/repoint-latest.ts';
export { NotResolved, reportRows } from './policy/report-rows.ts';
export type { ReportRows, ReportRowsOptions, Resolve, ResolveOptions } from './policy/report-rows.ts';
export { measureSize } from './policy/measure-size.ts';
export type { MeasureSize, MeasureSizeOptions } from './policy/measure-size.ts';
export { reclaimSpace } from './policy/reclaim-space.ts';
export type { ReclaimMode, ReclaimSpace, ReclaimSpaceOptions } from './policy/reclaim-space.ts';
export { latestPointer } from './policy/latest-pointer.ts';
export type { LatestPointer, LatestPointerOptions } from './policy/latest-pointer.ts';
export type { AnyEntity, Pass, PassKind, PassOptions } from './policy/pass.ts';
export type { Duration } from './policy/duration.ts';
export type { Period } from './policy/period.ts';
export { definePolicy } from './policy/policy.ts';
export type { Policy, PolicyOptions, SliceOptions } from './policy/policy.ts';
export type { LimitOptions, Limits } from './policy/limits.ts';
export type { CronSchedule, IntervalSchedule, ScheduleOptions } from './policy/schedule.ts';
export { ValidationError } from './policy/issue.ts';
export type { Issue } from './policy/issue.ts';
export type {
  KeepLast,
  KeepLastOptions,
  RetentionOverride,
  RetentionOverrideOptions,
} from './policy/retention.ts';
export type { RetentionColumn, RetentionColumnOptions } from './policy/retention-column.ts';
export { prefect, prefectMaintenance } from './policy/presets/prefect/index.ts';
export type {
  KeepLastPer,
  PrefectMaintenanceSettings,
  PrefectSettings,
  RunRetentionRule,
} from './policy/presets/prefect/index.ts';
export { VacuumPlugin } from './worker/plugin.ts';
export type { VacuumPluginOptions } from './worker/plugin.ts';
export { VACUUM_BUCKETS } from './activities/run/metric-definitions.ts';
export { execute, preview, stats } from './worker/functions.ts';
export type {
  ExecuteOptions,
  PolicyDatabase,
  PolicyPreview,
  PolicyStats,
  PreviewOptions,
  StatsOptions,
} from './worker/functions.ts';
export type { TableRange } from './activities/inspect/table-ranges.ts';
export type { Stats } from './activities/inspect/stats.ts';
export type { CurrentBacklog } from './activities/inspect/current-backlog.ts';
export type { Bloat, SizeChange, TableSize, VacuumBlocker } from './activities/stored/size.ts';
export type { PassPlan, Scan, Shard, Spread } from './activities/stored/scan.ts';
export type {
  LedgerPassReport,
  LedgerReport,
  Note,
  PreviewedPass,
  ReportedRows,
  RowsByTable,
} from './activities/stored/report.ts';
export type { Preview, PreviewedTable } from './activities/inspect/preview.ts';
export { defineConfig } from './worker/config.ts';
export type { VacuumConfig } from './worker/config.ts';
export { applySchedule, getScheduleId, triggerSchedule } from './worker/schedule.ts';
export type { Applied, ScheduleTarget, Triggered } from './worker/schedule.ts';
export type { DatabaseSource, GivenDatabase } from './activities/ledger/database.ts';
export type { Backlog, Pace, PassBacklog } from './activities/stored/backlog.ts';
export type {
  Holder,
  PassReport,
  PassStatus,
  RunMode,
  RunReport,
  RunStatus,
  VacuumInput,
} from './activities/contract.ts';
