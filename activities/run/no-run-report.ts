import type { Policy } from '../../policy/policy.ts';
import type { BeginRunResult } from '../contract.ts';
import type { RunReport } from '../stored/report.ts';
import type { RunRequest } from './input.ts';
import { recordEnd } from './metrics.ts';

/** A request to begin a run. */
export interface BeginRequest extends RunRequest {
  readonly firstRunId: string;
  /** The number of the last run that the schedule knows of; 0 if it knows none. */
  readonly lastRun: number;
}

/** Reads the number of the last run that a schedule's last workflow knew of, its own or one before. */
export function readLastRun(report: unknown, policy: Policy): number {
  if (typeof report !== 'object' || report === null) return 0;
  const { run, lastRun, policy: name } = report as Partial<RunReport>;
  const last = run ?? lastRun;
  return name === policy.name && typeof last === 'number' ? last : 0;
}

/** Ends a run before it began. */
export function endWithoutRun(report: RunReport): BeginRunResult {
  recordEnd(report);
  return { outcome: 'ended', report };
}

/** Creates the report of a run that did not begin. */
export function createNoRunReport({ policy, lastRun }: BeginRequest, status: RunReport['status']): RunReport {
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
