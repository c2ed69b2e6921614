import { describeDisabled } from '../../policy/describe-disabled.ts';
import type { BeginRunResult } from '../contract.ts';
import type { RunReport } from '../stored/report.ts';
import { recordEnd } from './metrics.ts';
import type { RunRequest } from './read-input.ts';

export interface BeginRequest extends RunRequest {
  readonly firstRunId: string;
  /** The number of the last run that the schedule knows of; 0 if it knows none. See `findLastRun`. */
  readonly lastRun: number;
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
    reasons: status === 'disabled' ? [describeDisabled(policy)] : [],
    notes: [],
  };
}
