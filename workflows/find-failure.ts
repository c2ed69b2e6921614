import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** What an activity failed with, without the wrapping. */
export function findFailure(error: unknown): ApplicationFailure | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  if (error.cause instanceof ApplicationFailure) return error.cause;
  // Out of time: what the last attempt failed with says why.
  if (error.cause?.cause instanceof ApplicationFailure) return error.cause.cause;
  return ApplicationFailure.nonRetryable(error.cause?.message ?? error.message, 'VacuumUnexpected');
}
