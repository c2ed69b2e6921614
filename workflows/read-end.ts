import { ApplicationFailure, CancelledFailure, ContinueAsNew, isCancellation } from '@temporalio/workflow';

import type { RunReport, RunStatus } from '../activities/contract.ts';

/** How a run ended, and its number; null if it has none. */
export interface RunEnding {
  readonly status: RunStatus;
  readonly run?: number | null;
}

/** How a run ended that ends with an error; undefined if that has been told, or if the run continues as new. */
export function readEnd(error: unknown): RunEnding | undefined {
  if (error instanceof ContinueAsNew) return undefined;
  if (isCancellation(error)) return { status: 'cancelled' };
  if (!(error instanceof ApplicationFailure)) return { status: 'failed' };
  // Its report has told.
  if (error.type === 'VacuumFailed') return undefined;
  if (error.type === 'VacuumStopped') return { status: 'stopped' };
  if (error.type !== 'VacuumGuard') return { status: 'failed' };
  const [run] = error.details ?? [];
  return { status: 'stopped-by-guard', run: typeof run === 'number' ? run : null };
}

/** What those get who wait for a run: its report. Throws if it was cancelled or failed. */
export function toResult(report: RunReport): RunReport {
  const { run, policy, status, reasons } = report;
  if (status === 'cancelled') throw new CancelledFailure('cancelled after the batch under way');
  if (status !== 'failed' && status !== 'terminated') return report;
  const message = `run ${run} of policy ${policy} ${status}: ${reasons.join('; ')}`;
  throw ApplicationFailure.nonRetryable(message, 'VacuumFailed', report);
}
