import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';

import type { VacuumActivities } from '../activities/contract.ts';

/** Restarts, deploys and pauses count as attempts: what may be tried again is tried for ever. */
const FOR_EVER = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;
/** If a person or the schedule begins again anyway, an outage is sat out for so long. */
const OUTAGE = '30 minutes';

/** Begins runs. */
export const beginning = proxyActivities<Pick<VacuumActivities, 'vacuum.beginRun'>>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30s',
  scheduleToCloseTimeout: OUTAGE,
  retry: FOR_EVER,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Counts. */
export const previewing = proxyActivities<Pick<VacuumActivities, 'vacuum.previewRun'>>({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '10s',
  retry: { ...FOR_EVER, maximumAttempts: 60 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/**
 * Deletes. The cancellation type is set because the default in effect is to let go at once: the run would be closed
 * with a batch still deleting, and the slice could not return where it stopped.
 */
export const deleting = proxyActivities<Pick<VacuumActivities, 'vacuum.runSlice'>>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10s',
  retry: FOR_EVER,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Closes runs. */
export const closing = proxyActivities<Pick<VacuumActivities, 'vacuum.finishRun'>>({
  startToCloseTimeout: '2 minutes',
  retry: FOR_EVER,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
