import { ApplicationFailure, ContinueAsNew, isCancellation } from '@temporalio/workflow';

import type { RunStatus } from '../activities/contract.ts';

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
