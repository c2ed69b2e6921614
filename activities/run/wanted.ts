import { Context, getClient } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';

import { ownWorkflowId } from './place.ts';

const HEARTBEAT_MILLIS = 2_000;

/**
 * Runs work whose statements can take long: a timer says meanwhile that the worker lives, and a signal ends the work
 * where nobody wants it any more.
 *
 * A pause does not end it: it is felt after what is under way, since a table that is half rewritten was rewritten for
 * nothing. An activity is told that it is to end, not why, so that the workflow is asked, again and again: who pauses
 * may stop later.
 */
export async function whileWanted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const activity = Context.current();
  // Whoever is told of the cancellation is outside of the activity's context.
  const workflow = getClient().workflow.getHandle(ownWorkflowId());
  const unwanted = new AbortController();
  const look = (): void => {
    if (unwanted.signal.aborted || !activity.cancellationSignal.aborted) return;
    void (async () => {
      if (!(await isPaused(activity, workflow))) unwanted.abort();
    })();
  };
  const timer = setInterval(() => {
    activity.heartbeat({ working: true });
    look();
  }, HEARTBEAT_MILLIS);
  activity.cancellationSignal.addEventListener('abort', look, { once: true });
  look();
  try {
    return await work(unwanted.signal);
  } finally {
    clearInterval(timer);
    activity.cancellationSignal.removeEventListener('abort', look);
  }
}

/** Whether the workflow is only paused, or went on after a pause. Where it does not answer it is taken as ending. */
async function isPaused({ cancellationDetails }: Context, workflow: WorkflowHandle): Promise<boolean> {
  if (cancellationDetails?.cancelRequested !== true) return false;
  try {
    const { leaving } = await workflow.query<{ readonly leaving?: string | null }>('progress');
    return leaving === null;
  } catch {
    return false;
  }
}
