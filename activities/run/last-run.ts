import { activityInfo, getClient, log } from '@temporalio/activity';

import type { Policy } from '../../policy/policy.ts';
import { getScheduleId } from '../../policy/schedule.ts';
import type { RunReport } from '../stored/report.ts';

/** Reads the number of the last run that a schedule's last workflow knew of, its own or one before. */
function readLastRun(report: unknown, policy: Policy): number {
  if (typeof report !== 'object' || report === null) return 0;
  const { run, lastRun, policy: name } = report as Partial<RunReport>;
  const last = run ?? lastRun;
  return name === policy.name && typeof last === 'number' ? last : 0;
}

/**
 * Finds the number of the last run that Temporal knows, 0 if it knows none: a ledger that ends before it was restored, or is
 * missing from a dump. A scheduled run is given the report of the one before. For a run that somebody started by hand the
 * schedule of the policy is asked, if it starts its runs on this task queue: any other is another environment's.
 */
export async function findLastRun(lastReport: unknown, policy: Policy): Promise<number> {
  if (lastReport !== undefined && lastReport !== null) return readLastRun(lastReport, policy);
  try {
    const { schedule, workflow } = getClient();
    const { action, info } = await schedule.getHandle(getScheduleId(policy)).describe();
    if (action.taskQueue !== activityInfo().taskQueue) return 0;
    for (const { action: started } of info.recentActions.toReversed()) {
      const handle = workflow.getHandle(started.workflow.workflowId);
      if ((await handle.describe()).status.name !== 'COMPLETED') continue;
      return readLastRun(await handle.result(), policy);
    }
  } catch (error) {
    // No schedule, no right to read it, or a workflow that Temporal has forgotten.
    log.debug('the schedule of the policy cannot be asked for its last run', { error });
  }
  return 0;
}
