import { readDatabaseError } from '../dialect/read-error.ts';
import type { LastRuns } from '../ledger/last-runs.ts';
import type { MeasuredBacklog } from '../stored/backlog.ts';
import type { RunReport } from '../stored/report.ts';
import type { RunStatus } from '../stored/run.ts';
import type { CommittedBatch } from './batch.ts';
import type { MeterContext } from './meter.ts';
import { Meter } from './meter.ts';
import { METRICS } from './metric-definitions.ts';

/** Records the batches of a pass that this process committed, each once, right after its commit. */
export class BatchMetrics {
  readonly #meter: Meter;

  constructor(policy: string, pass: string) {
    this.#meter = new Meter({ policy, pass });
  }

  recordBatch({ rows, millis, outcome }: CommittedBatch): void {
    this.#meter.record(METRICS.rowsDeleted, rows);
    this.#meter.record(METRICS.rowsSkipped, outcome.skipped);
    this.#meter.record(METRICS.batches, 1);
    this.#meter.record(METRICS.batchDuration, millis);
    if (outcome.files === undefined) return;
    this.#meter.record(METRICS.filesDeleted, outcome.files);
    this.#meter.record(METRICS.bytesReclaimed, outcome.bytes ?? 0);
  }

  /** Records a table that a pass worked on whole. */
  recordTable(millis: number, bytes: number, rows: number): void {
    this.#meter.record(METRICS.rowsDeleted, rows);
    this.#meter.record(METRICS.batches, 1);
    this.#meter.record(METRICS.batchDuration, millis);
    this.#meter.record(METRICS.bytesReclaimed, bytes);
  }

  /** Records a batch that was rolled back because of others, and is tried in another way. */
  recordSetback(error: unknown): void {
    const kind = readDatabaseError(error)?.kind ?? 'other';
    this.#meter.record(METRICS.setbacks, 1, {
      kind: kind === 'lock' || kind === 'deadlock' || kind === 'timeout' ? kind : 'conflict',
    });
  }
}

/** Records how a run ended. One that never began is counted and has no duration. */
export function recordEnd({ run, policy, status, millis, passes, endedAt }: Omit<RunReport, 'notes'>): void {
  countEnd(policy, status);
  if (run === null || endedAt === null) return;
  const meter = new Meter({ policy });
  meter.record(METRICS.runDuration, millis, { status });
  for (const { name: pass, rows, held } of passes) {
    meter.record(METRICS.lastRunRows, rows, { pass });
    meter.record(METRICS.lastRunHeld, held, { pass });
  }
  meter.record(METRICS.lastRunEndedAt, toSeconds(endedAt));
  if (status === 'completed') meter.record(METRICS.lastCompletedAt, toSeconds(endedAt));
}

/** Records when runs of a policy ended, by the ledger. One that none has completed of is 0: alerts need the series. */
export function recordLastRuns({ policy, last, completed }: LastRuns, context: MeterContext): void {
  const meter = new Meter({ policy }, context);
  if (last !== null) meter.record(METRICS.lastRunEndedAt, toSeconds(last.endedAt));
  meter.record(METRICS.lastCompletedAt, completed === null ? 0 : toSeconds(completed.endedAt));
}

function toSeconds(instant: string): number {
  return Date.parse(instant) / 1000;
}

/** Counts a run that ended, without its report. */
export function countEnd(policy: string, status: RunStatus): void {
  new Meter({ policy }).record(METRICS.runs, 1, { status });
}

export function recordBacklog(policy: string, { pass, backlog: found, aged }: MeasuredBacklog): void {
  const { before, after, expiringPerDay, removedPerDay, keepsUp } = found;
  const backlog = after ?? before;
  if (backlog === undefined || backlog === null) return;
  const meter = new Meter({ policy, pass });
  const { rows, error, oldestSeconds } = backlog;
  meter.record(METRICS.backlogRows, rows);
  meter.record(METRICS.backlogError, error);
  if (aged) meter.record(METRICS.backlogAge, oldestSeconds ?? 0);
  meter.record(METRICS.backlogMeasuredAt, Math.floor(Date.now() / 1000));
  if (typeof expiringPerDay === 'number') meter.record(METRICS.expiringPerDay, expiringPerDay);
  if (typeof removedPerDay === 'number') meter.record(METRICS.removedPerDay, removedPerDay);
  if (typeof keepsUp === 'boolean') meter.record(METRICS.keepsUp, keepsUp ? 1 : 0);
}
