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
import { parseDuration, formatDuration } from '../policy/duration.ts';
import { assertValid, ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import type { CronSchedule } from '../policy/schedule.ts';
import { checkSchedule, getScheduleId } from '../policy/schedule.ts';

export { getScheduleId };

/** A schedule and the task queue of its runs. */
export interface ScheduleTarget {
  /** Default: {@link getScheduleId}. */
  readonly scheduleId?: string | undefined;
  readonly taskQueue: string;
  /** A hash of the database of the runs, to notice a schedule of another one: see `hashEnvironment`. Default: unknown. */
  readonly environment?: string | undefined;
  /** Takes over a schedule of another task queue or database. Default: false. */
  readonly move?: boolean | undefined;
}

/** The result of applying a schedule. */
export type Applied = 'created' | 'updated' | 'unchanged';

/** The result of triggering a schedule. */
export type Triggered =
  | { readonly started: true }
  | { readonly started: false; readonly openWorkflow: string };

/** The memo of the action has the hash under this key. An update of a schedule changes the memo, a pause does not. */
const HASH = 'temporalVacuumSchedule';
/** And a hash of the database under this one. */
const ENVIRONMENT = 'temporalVacuumEnvironment';
/** The minimum that Temporal allows. */
const MIN_CATCHUP_MILLIS = 10_000;

/**
 * Creates or updates the schedule of a policy. Applying it again changes nothing. A paused schedule stays paused and
 * keeps its note. Overlap policy is Skip, the catch-up window one interval. Throws a `ValidationError` if the policy has no
 * valid schedule, or if the schedule is of another task queue or database: another environment may depend on it.
 */
export async function applySchedule(
  client: Client,
  policy: Policy,
  target: ScheduleTarget,
): Promise<Applied> {
  const wanted = wantedSchedule(policy, target);
  const scheduleId = target.scheduleId ?? getScheduleId(policy);
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
    if (target.move !== true) assertOwn(scheduleId, was, target);
    const environment = target.environment ?? readMemo(was, ENVIRONMENT);
    const isSame =
      readMemo(was, HASH) === readMemo(wanted, HASH) && readMemo(was, ENVIRONMENT) === environment;
    if (isSame && !hasDrifted(was, policy, target)) return 'unchanged';
    // An update replaces the whole state. Without the old state it would unpause a paused schedule.
    const memo = {
      ...wanted.action.memo,
      ...(environment === undefined ? {} : { [ENVIRONMENT]: environment }),
    };
    await handle.update((now) => ({ ...wanted, action: { ...wanted.action, memo }, state: now.state }));
    return 'updated';
  }
}

/** Describes a schedule. Undefined if there is none. */
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

/** The workflows that a schedule has open. */
export function listOpenOf({ info }: ScheduleDescription): string[] {
  return info.runningActions.map((open) => open.workflow.workflowId);
}

/** Starts a run now, unless the schedule already has an open run. */
export async function triggerSchedule(client: Client, scheduleId: string): Promise<Triggered> {
  const handle = client.schedule.getHandle(scheduleId);
  const open = (await handle.describe()).info.runningActions[0];
  if (open !== undefined) return { started: false, openWorkflow: open.workflow.workflowId };
  // The client's default is to allow overlaps.
  await handle.trigger(ScheduleOverlapPolicy.SKIP);
  return { started: true };
}

/** Throws a `ValidationError` if a schedule starts runs on another task queue: they are another environment's. */
export function assertOwnQueue(
  scheduleId: string,
  { action }: Pick<ScheduleDescription, 'action'>,
  taskQueue: string,
): void {
  if (action.taskQueue === taskQueue) return;
  refuseSchedule(
    scheduleId,
    `it starts its runs on task queue ${action.taskQueue}, and this one is ${taskQueue}`,
  );
}

function assertOwn(
  scheduleId: string,
  was: ScheduleDescription,
  { taskQueue, environment }: ScheduleTarget,
): void {
  assertOwnQueue(scheduleId, was, taskQueue);
  const other = readMemo(was, ENVIRONMENT);
  if (environment === undefined || other === undefined || other === environment) return;
  refuseSchedule(
    scheduleId,
    `it was applied for another database, and workers of both would poll task queue ${taskQueue}: each run would clean the database of whichever comes first`,
  );
}

function refuseSchedule(scheduleId: string, what: string): never {
  const at = `schedule ${scheduleId}`;
  throw new ValidationError(at, [
    {
      at,
      what,
      fix: "If it is another environment's, name another --id, and for each environment its own --task-queue. To take it over, use `schedule apply --move`",
    },
  ]);
}

function wantedSchedule(
  policy: Policy,
  { taskQueue, scheduleId, environment }: ScheduleTarget,
): ScheduleUpdateOptions {
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
      workflowId: scheduleId ?? getScheduleId(policy),
      taskQueue,
      args: [input],
      staticSummary: `Scheduled vacuum: deletes what policy ${policy.name} lets go`,
      staticDetails: formatDetails(policy),
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: Math.max(every, MIN_CATCHUP_MILLIS) },
    state: {},
  };
  const hash = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  const memo = { [HASH]: hash, ...(environment === undefined ? {} : { [ENVIRONMENT]: environment }) };
  return { ...wanted, action: { ...wanted.action, memo } };
}

/** Details in Markdown for an operator who does not know the vacuum. */
function formatDetails(policy: Policy): string {
  const passes = policy.passes.map(({ name }) => name).join(', ');
  return [
    `Policy **${policy.name}**, ${formatSchedule(policy)}. Passes, in this order: ${passes}.`,
    '',
    'Signals `pause`, `resume` and `stop` take effect after the current batch. So does a cancellation. No row is deleted ' +
      'twice or half. The next run continues with the remaining rows.',
  ].join('\n');
}

/** Formats when a policy runs. */
export function formatSchedule({ schedule }: Policy): string {
  if (schedule === undefined) return 'never by itself';
  if ('cron' in schedule) return `at ${schedule.cron} in ${schedule.timezone ?? 'UTC'}`;
  return `every ${formatDuration(parseDuration(schedule.every) ?? 0)}`;
}

/** The interval of a cron expression is measured from this instant, so that it is the same every day. */
const REFERENCE = new Date('2026-01-01T00:00:00Z');

/** The time between two runs. For a cron expression: between its first two times after the reference. */
function intervalMillis({ schedule }: Policy): number {
  if (schedule === undefined) return 0;
  if (!('cron' in schedule)) return parseDuration(schedule.every) ?? 0;
  const [first, second] = nextTimes(schedule, 2, REFERENCE);
  return first === undefined || second === undefined ? 0 : second.getTime() - first.getTime();
}

function nextTimes({ cron, timezone = 'UTC' }: CronSchedule, count: number, after: Date): Date[] {
  return new Cron(cron, { paused: true, timezone }).nextRuns(count, after);
}

/** Whether the schedule on the server was changed by hand since it was applied. */
function hasDrifted(was: ScheduleDescription, { schedule }: Policy, { taskQueue }: ScheduleTarget): boolean {
  if (was.action.taskQueue !== taskQueue || was.policies.overlap !== ScheduleOverlapPolicy.SKIP) return true;
  const { intervals = [], calendars = [] } = was.spec;
  if (schedule === undefined) return true;
  if (!('cron' in schedule)) {
    return (
      calendars.length > 0 || intervals.length !== 1 || intervals[0]?.every !== parseDuration(schedule.every)
    );
  }
  // The server returns a cron expression as calendars, so compare the times when it fires.
  const [first] = was.info.nextActionTimes;
  if (intervals.length > 0 || first === undefined) return true;
  const count = was.info.nextActionTimes.length;
  const wanted = nextTimes(schedule, count, new Date(first.getTime() - 1000));
  return was.info.nextActionTimes.some((time, n) => time.getTime() !== wanted[n]?.getTime());
}

function readMemo({ action }: { action: { memo?: Record<string, unknown> } }, key: string): unknown {
  return action.memo?.[key];
}
