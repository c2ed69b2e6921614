import type { MeasuredBacklog } from '../backlog/backlog.ts';
import type { RunReport, RunStatus } from '../contract.ts';
import { Meter } from './meter.ts';
import { METRICS } from './metrics.ts';

/** Records how a run ended. One that was never begun is counted and has no duration. */
export function recordEnd({ run, policy, status, millis, passes, endedAt }: Omit<RunReport, 'notes'>): void {
  countEnd(policy, status);
  if (run === null || endedAt === null) return;
  const meter = new Meter({ policy });
  meter.record(METRICS.runDuration, millis, { status });
  for (const { name: pass, rows, held } of passes) {
    meter.record(METRICS.lastRunRows, rows, { pass });
    meter.record(METRICS.lastRunHeld, held, { pass });
  }
  meter.record(METRICS.lastRunEndedAt, Date.parse(endedAt) / 1000);
}

/** Counts a run that ended, without what came of it. */
export function countEnd(policy: string, status: RunStatus): void {
  new Meter({ policy }).record(METRICS.runs, 1, { status });
}

/** Records what was found to wait for a pass. */
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
