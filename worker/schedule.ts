import { createHash } from 'node:crypto';

import type {
  Client,
  ScheduleDescription,
  ScheduleOptionsAction,
  ScheduleUpdateOptions,
} from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { Cron } from 'croner';

import type { VacuumInput } from '../activities/contract.ts';
import { parseDuration, sayDuration } from '../policy/duration.ts';
import { assertValid } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import type { CronSchedule } from '../policy/schedule.ts';
import { checkSchedule } from '../policy/schedule.ts';

/** Which schedule, and where its runs work. */
export interface ScheduleTarget {
  /** Default: {@link scheduleIdOf}. */
  readonly scheduleId?: string | undefined;
  readonly taskQueue: string;
}

/** What applying a schedule came to. */
export type Applied = 'created' | 'updated' | 'unchanged';

/** What triggering a schedule came to. */
export type Triggered =
  | { readonly started: true }
  | { readonly started: false; readonly openWorkflow: string };

/** The id of a policy's schedule, and the begin of its runs' workflow ids. */
export function scheduleIdOf(policy: Policy): string {
  return `vacuum-${policy.name}`;
}

/** Where in the action's memo the hash of what was applied stands: an update can change it, a pause cannot. */
const HASH = 'temporalVacuumSchedule';
/** Temporal's least. */
const LEAST_CATCHUP_MILLIS = 10_000;

/**
 * Makes a policy's schedule what the policy says. Applying it again changes nothing; what an operator paused stays
 * paused, with the note. Overlap is Skip, catch-up one interval. Throws a `ValidationError` for a policy without a
 * usable schedule.
 */
export async function applySchedule(
  client: Client,
  policy: Policy,
  target: ScheduleTarget,
): Promise<Applied> {
  const wanted = wantedSchedule(policy, target);
  const scheduleId = target.scheduleId ?? scheduleIdOf(policy);
  const handle = client.schedule.getHandle(scheduleId);
  for (;;) {
    const was = await describeOrNone(client, scheduleId);
    if (was === undefined) {
      try {
        await client.schedule.create({ ...wanted, scheduleId });
        return 'created';
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        continue;
      }
    }
    if (hashIn(was) === hashIn(wanted) && !hasDrifted(was, policy, target)) return 'unchanged';
    // An update replaces the whole state: what is left out would unpause what an operator paused.
    await handle.update((now) => ({ ...wanted, state: now.state }));
    return 'updated';
  }
}

/** What Temporal knows of a schedule; undefined where there is none. */
export async function describeOrNone(
  client: Client,
  scheduleId: string,
): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** Starts a run now, unless one that this schedule started is open. */
export async function triggerSchedule(client: Client, scheduleId: string): Promise<Triggered> {
  const handle = client.schedule.getHandle(scheduleId);
  const open = (await handle.describe()).info.runningActions[0];
  if (open !== undefined) return { started: false, openWorkflow: open.workflow.workflowId };
  // The client's default is to allow overlaps.
  await handle.trigger(ScheduleOverlapPolicy.SKIP);
  return { started: true };
}

function wantedSchedule(policy: Policy, { taskQueue, scheduleId }: ScheduleTarget): ScheduleUpdateOptions {
  const at = `policy ${JSON.stringify(policy.name)}`;
  const { schedule } = policy;
  if (schedule === undefined) {
    assertValid(at, [
      { at, what: 'it has no schedule', fix: "Give it schedule: { every: '1 hour' } or a cron" },
    ]);
    throw new Error('unreachable');
  }
  assertValid(at, checkSchedule(at, schedule));
  const spec =
    'cron' in schedule
      ? { cronExpressions: [schedule.cron], timezone: schedule.timezone ?? 'UTC' }
      : { intervals: [{ every: parseDuration(schedule.every) ?? 0 }] };
  const every = intervalMillis(policy);
  const input: VacuumInput = { policy: policy.name, mode: 'execute' };
  const wanted: ScheduleUpdateOptions<ScheduleOptionsAction & { args: unknown[] }> = {
    spec,
    action: {
      type: 'startWorkflow',
      workflowType: 'vacuum',
      workflowId: scheduleId ?? scheduleIdOf(policy),
      taskQueue,
      args: [input],
      staticSummary: `Scheduled vacuum: deletes what policy ${policy.name} lets go`,
      staticDetails: sayDetails(policy),
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: Math.max(every, LEAST_CATCHUP_MILLIS) },
    state: {},
  };
  const hash = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  return { ...wanted, action: { ...wanted.action, memo: { [HASH]: hash } } };
}

/** What somebody on call wants to know who never heard of it, as Markdown. */
function sayDetails(policy: Policy): string {
  const passes = policy.passes.map(({ name }) => name).join(', ');
  return [
    `Policy **${policy.name}**, ${sayWhen(policy)}. Passes, in this order: ${passes}.`,
    '',
    'Signals `pause`, `resume` and `stop` are felt after the batch under way. Cancelling ends it as well; nothing is deleted ' +
      'twice or half. The next run goes on with what is left.',
  ].join('\n');
}

/** When a policy runs, for people. */
export function sayWhen({ schedule }: Policy): string {
  if (schedule === undefined) return 'never by itself';
  if ('cron' in schedule) return `at ${schedule.cron} in ${schedule.timezone ?? 'UTC'}`;
  return `every ${sayDuration(parseDuration(schedule.every) ?? 0)}`;
}

/** Cron fields are compared by the times that they come to; counted from here they come to the same every day. */
const REFERENCE = new Date('2026-01-01T00:00:00Z');

/** The time between two runs; for a cron that between the first two of a certain year. */
function intervalMillis({ schedule }: Policy): number {
  if (schedule === undefined) return 0;
  if (!('cron' in schedule)) return parseDuration(schedule.every) ?? 0;
  const [first, second] = nextTimes(schedule, 2, REFERENCE);
  return first === undefined || second === undefined ? 0 : second.getTime() - first.getTime();
}

function nextTimes({ cron, timezone = 'UTC' }: CronSchedule, count: number, after: Date): Date[] {
  return new Cron(cron, { paused: true, timezone }).nextRuns(count, after);
}

/** Whether somebody changed the schedule at the server since it was applied: that is put right again. */
function hasDrifted(was: ScheduleDescription, { schedule }: Policy, { taskQueue }: ScheduleTarget): boolean {
  if (was.action.taskQueue !== taskQueue || was.policies.overlap !== ScheduleOverlapPolicy.SKIP) return true;
  const { intervals = [], calendars = [] } = was.spec;
  if (schedule === undefined) return true;
  if (!('cron' in schedule)) {
    return (
      calendars.length > 0 || intervals.length !== 1 || intervals[0]?.every !== parseDuration(schedule.every)
    );
  }
  // The server answers a cron as calendars; what matters is when it fires.
  const [first] = was.info.nextActionTimes;
  if (intervals.length > 0 || first === undefined) return true;
  const count = was.info.nextActionTimes.length;
  const wanted = nextTimes(schedule, count, new Date(first.getTime() - 1000));
  return was.info.nextActionTimes.some((time, n) => time.getTime() !== wanted[n]?.getTime());
}

function hashIn({ action }: { action: { memo?: Record<string, unknown> } }): unknown {
  return action.memo?.[HASH];
}
