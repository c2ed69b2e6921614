import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

const HEARTBEAT_MILLIS = 2_000;

/** Runs work whose statements take long: only a timer can tell Temporal meanwhile that the worker lives. */
export async function withHeartbeat<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const activity = Context.current();
  const timer = setInterval(() => activity.heartbeat({ working: true }), HEARTBEAT_MILLIS);
  try {
    return await work(activity.cancellationSignal);
  } catch (error) {
    // If the signal ended the statement, the statement's error says nothing.
    if (!(error instanceof ApplicationFailure)) activity.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
