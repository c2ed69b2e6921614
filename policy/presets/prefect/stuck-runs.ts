import type { ReportRows } from '../../report-rows.ts';
import { reportRows } from '../../report-rows.ts';
import type { PrefectApi } from './api.ts';
import { endRun } from './end-run.ts';
import { FlowRun } from './entities/index.ts';

/** The states of a run that is under way, or waits. */
const LIVE_STATE_TYPES = ['SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING'] as const;

/** How to look for stuck runs. */
export interface StuckRunsOptions {
  readonly stuckMillis: number;
  /** The API to end them by. Left out, they are only reported. */
  readonly end?: PrefectApi;
}

/**
 * Flow runs that have been in one state that is no end for too long. A scheduled one is due by
 * `next_scheduled_start_time`, which Prefect sets with every scheduled state (a retry, a wait for a slot) and clears
 * with every other: it is stuck only once it has been due for as long. Ended, they have an end time and expire later
 * like any other.
 */
export function stuckRunsPass({ stuckMillis, end }: StuckRunsOptions): ReportRows {
  return reportRows({
    name: 'stuck-runs',
    entity: FlowRun,
    age: 'stateTimestamp',
    olderThan: stuckMillis,
    where: { stateType: { $in: [...LIVE_STATE_TYPES] } },
    dueAt: 'nextScheduledStartTime',
    ...(end === undefined ? {} : { handler: endRun(end) }),
  });
}
