/** A metric as documentation, dashboards and exporters know it. */
export interface Metric {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** As exporters that add units to names write it. */
  readonly unit?: string;
  readonly labels: readonly MetricLabel[];
  readonly help: string;
}

/** Names that a person wrote, and fixed words. */
export type MetricLabel = 'policy' | 'pass' | 'status' | 'kind';

const PER_PASS = ['policy', 'pass'] as const;

/** All metrics of runs. */
export const METRICS = {
  rowsDeleted: {
    name: 'temporal_vacuum_rows_deleted',
    kind: 'counter',
    labels: PER_PASS,
    help: 'Rows deleted in all tables, cascades included, by the batches that this process committed',
  },
  batches: {
    name: 'temporal_vacuum_batches',
    kind: 'counter',
    labels: PER_PASS,
    help: 'Batches that this process committed; tables, if a pass works on whole ones',
  },
  batchDuration: {
    name: 'temporal_vacuum_batch_duration',
    kind: 'histogram',
    unit: 'ms',
    labels: PER_PASS,
    help: 'Milliseconds from the begin of a batch to the end of its commit; where a pass works on whole tables, of a table',
  },
  setbacks: {
    name: 'temporal_vacuum_setbacks',
    kind: 'counter',
    labels: [...PER_PASS, 'kind'],
    help: 'Batches that were rolled back and tried again in another way: `lock` (waited 50 ms for a lock that another session held), `deadlock`, `timeout`, `conflict`',
  },
  rowsSkipped: {
    name: 'temporal_vacuum_rows_skipped',
    kind: 'counter',
    labels: PER_PASS,
    help: 'Rows that qualified and stayed because another session held them',
  },
  filesDeleted: {
    name: 'temporal_vacuum_files_deleted',
    kind: 'counter',
    labels: PER_PASS,
    help: 'Files that `deleteRecordedFiles` and `sweepStrayFiles` removed, by the batches that this process committed',
  },
  bytesReclaimed: {
    name: 'temporal_vacuum_bytes_reclaimed',
    kind: 'counter',
    labels: PER_PASS,
    help: 'Bytes given back to the disk: by `reclaimSpace`, where tables that grew meanwhile count nothing, by `dropPartitions`, and by files that were removed',
  },
  runs: {
    name: 'temporal_vacuum_runs',
    kind: 'counter',
    labels: ['policy', 'status'],
    help: 'Runs that ended, by how: see `status` in the [JSON of a run](commands.md#json)',
  },
  runDuration: {
    name: 'temporal_vacuum_run_duration',
    kind: 'histogram',
    unit: 'ms',
    labels: ['policy', 'status'],
    help: 'Milliseconds from the begin of a run to its end, waiting and pauses included',
  },
  lastRunRows: {
    name: 'temporal_vacuum_last_run_rows',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'Rows that the last run deleted, **by the ledger**: exact whatever crashed',
  },
  lastRunHeld: {
    name: 'temporal_vacuum_last_run_rows_held',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'Rows that the last run left only because of a [hold](holds.md), by the ledger',
  },
  lastRunEndedAt: {
    name: 'temporal_vacuum_last_run_ended_at_seconds',
    kind: 'gauge',
    labels: ['policy'],
    help: 'When the last run ended, in seconds since 1970; read from the ledger when a worker starts',
  },
  lastCompletedAt: {
    name: 'temporal_vacuum_last_completed_at_seconds',
    kind: 'gauge',
    labels: ['policy'],
    help: 'When the last run that completed ended, in seconds since 1970; read from the ledger when a worker starts, 0 if none has completed',
  },
  backlogRows: {
    name: 'temporal_vacuum_backlog_rows',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'Rows that are past their time and still there, when a run began or ended last ([backlog](backlog.md))',
  },
  backlogError: {
    name: 'temporal_vacuum_backlog_error_rows',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'The standard error of that number, which comes from a sample; 0 if the rows were counted',
  },
  backlogAge: {
    name: 'temporal_vacuum_backlog_age_seconds',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'The age of the oldest of them, 0 if there is none; not set for passes whose rows have no age',
  },
  backlogMeasuredAt: {
    name: 'temporal_vacuum_backlog_measured_at_seconds',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'When that was, in seconds since 1970: of several workers the latest is right',
  },
  expiringPerDay: {
    name: 'temporal_vacuum_expiring_rows_per_day',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'Rows that came past their time, per day, over the last day or since the run before',
  },
  removedPerDay: {
    name: 'temporal_vacuum_removed_rows_per_day',
    kind: 'gauge',
    labels: PER_PASS,
    help: 'Rows of its own table that the pass removed, per day, over the same time',
  },
  keepsUp: {
    name: 'temporal_vacuum_keeps_up',
    kind: 'gauge',
    labels: PER_PASS,
    help: '1 if the backlog that runs leave does not grow, else 0',
  },
} as const satisfies Readonly<Record<string, Metric>>;

/**
 * Upper bounds of buckets, in milliseconds, that fit batches and runs: `histogramBucketOverrides` of a Prometheus or
 * OpenTelemetry exporter. Without them Temporal's own are used, which end at 10 s.
 */
export const VACUUM_BUCKETS: Record<string, number[]> = {
  [METRICS.batchDuration.name]: [5, 10, 20, 40, 60, 80, 100, 150, 200, 500, 1_000, 5_000, 60_000],
  [METRICS.runDuration.name]: [
    1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  ],
};
