import type { Client } from '@temporalio/client';

import { describeDisabled } from '../../policy/describe-disabled.ts';
import type { Issue } from '../../policy/issue.ts';
import { assertValid, ValidationError } from '../../policy/issue.ts';
import { hashEnvironment } from '../environment.ts';
import { applySchedule, formatSchedule, getScheduleId } from '../schedule.ts';
import type { Setup } from '../setup.ts';
import { note } from './output.ts';

/**
 * Applies the schedules of the policies of a worker, as `schedule apply` does. Leaves out policies that are not enabled,
 * and says so. Throws one `ValidationError` with all schedules that cannot be applied.
 */
export async function applySchedules(client: Client, setup: Setup): Promise<void> {
  const { policies, taskQueue } = setup;
  const issues: Issue[] = [];
  for (const policy of policies) {
    const id = getScheduleId(policy);
    if (policy.schedule === undefined) note(`policy ${policy.name} has no schedule; nothing is applied`);
    else if (policy.enabled) {
      try {
        const environment = await hashEnvironment(setup, policy);
        const applied = await applySchedule(client, policy, { taskQueue, environment });
        note(`schedule ${id} ${applied}: ${formatSchedule(policy)}, on task queue ${taskQueue}`);
      } catch (error) {
        if (!(error instanceof ValidationError)) throw error;
        issues.push(...error.issues);
      }
    } else note(`schedule ${id} is not applied, because ${describeDisabled(policy)}`);
  }
  assertValid('--apply-schedules', issues);
}
