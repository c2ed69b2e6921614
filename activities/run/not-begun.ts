import type { Policy } from '../../policy/policy.ts';
import type { Beginning, RunReport } from '../contract.ts';
import { recordEnd } from '../metrics/runs.ts';
import type { RunRequest } from './input.ts';

/** What a run is asked for. */
export interface Asked extends RunRequest {
  readonly firstRunId: string;
  /** The number of the last run that the schedule knows of; 0 where it knows none. */
  readonly lastRun: number;
}

/** The number of the last run that a schedule's last workflow knew of, its own or one before. */
export function lastRunOf(report: unknown, policy: Policy): number {
  if (typeof report !== 'object' || report === null) return 0;
  const { run, lastRun, policy: name } = report as Partial<RunReport>;
  const last = run ?? lastRun;
  return name === policy.name && typeof last === 'number' ? last : 0;
}

/** What comes of a run that is over before it began. */
export function ended(report: RunReport): Beginning {
  recordEnd(report);
  return { outcome: 'ended', report };
}

/** The report of a run that did not begin. */
export function emptyReport({ policy, lastRun }: Asked, status: RunReport['status']): RunReport {
  const now = new Date().toISOString();
  return {
    run: null,
    lastRun,
    policy: policy.name,
    mode: 'execute',
    status,
    startedAt: now,
    endedAt: now,
    millis: 0,
    rows: 0,
    bytes: null,
    files: 0,
    spaceReclaimed: 0,
    longestTransactionMillis: null,
    passes: [],
    reasons: [],
    notes: [],
  };
}
