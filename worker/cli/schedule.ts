import type { ScheduleDescription } from '@temporalio/client';
import type { Command } from 'commander';

import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { findSetupWithoutDatabase, hashEnvironment } from '../environment.ts';
import { hasWorker } from '../pollers.ts';
import {
  applySchedule,
  assertOwnQueue,
  describeOrNone,
  formatSchedule,
  getScheduleId,
  triggerSchedule,
} from '../schedule.ts';
import type { Setup } from '../setup.ts';
import { findPolicy } from '../setup.ts';
import type { TemporalClient, TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { EXIT } from './exit-code.ts';
import type { SetupFlags } from './options.ts';
import { readPolicyName, withJson, withPolicy, withSetup, withTemporal } from './options.ts';
import { note, print, printJson } from './output.ts';

interface ScheduleFlags extends SetupFlags, TemporalOptions {
  readonly id?: string;
  readonly reason?: string;
  readonly move?: boolean;
}

interface Verb {
  readonly setup: Setup;
  readonly hasDatabase: boolean;
  readonly policy: Policy;
  readonly scheduleId: string;
  readonly temporal: TemporalClient;
  readonly flags: ScheduleFlags;
}

const REASON = ['--reason <text>', 'the reason, which the schedule shows'] as const;

/** `schedule`: the Temporal schedule of a policy. */
export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('the Temporal schedule that runs a policy by itself');
  add(schedule, 'apply', "create or update it from the policy; keeps an operator's pause and note", apply, [
    '--move',
    'take over a schedule of another task queue or database',
  ]);
  add(schedule, 'show', 'show its state in Temporal', show);
  add(schedule, 'pause', 'start no more runs; an open run continues', pause, REASON);
  add(schedule, 'resume', 'start runs again', resume, REASON);
  add(schedule, 'trigger', 'start a run now, unless one is open', trigger);
  add(schedule, 'delete', 'remove it; an open run continues', remove);
}

function add(
  parent: Command,
  name: string,
  description: string,
  work: (verb: Verb) => Promise<void>,
  option?: readonly [flags: string, description: string],
): void {
  const command = parent
    .command(name)
    .description(description)
    .option('--id <schedule>', 'the id of the schedule (default: vacuum-POLICY)')
    .action(async (policy: string | undefined, flags: ScheduleFlags) =>
      run(readPolicyName(policy, flags), flags, work),
    );
  if (option !== undefined) command.option(...option);
  withJson(withTemporal(withSetup(withPolicy(command))));
}

async function run(
  name: string | undefined,
  flags: ScheduleFlags,
  work: (verb: Verb) => Promise<void>,
): Promise<void> {
  // A schedule only has names. The database is only compared with that of the last `apply`.
  const { setup, hasDatabase } = await findSetupWithoutDatabase(flags, name);
  const policy = findPolicy(setup, name);
  const temporal = await connectClient(flags);
  try {
    const scheduleId = flags.id ?? getScheduleId(policy);
    await work({ setup, hasDatabase, policy, scheduleId, temporal, flags });
  } finally {
    await temporal.close();
  }
}

async function apply({ setup, hasDatabase, policy, scheduleId, temporal, flags }: Verb): Promise<void> {
  const { taskQueue } = setup;
  const environment = hasDatabase ? await hashEnvironment(setup, policy) : undefined;
  const target = { scheduleId, taskQueue, environment, move: flags.move };
  const applied = await applySchedule(temporal.client, policy, target);
  const { state } = await existing(temporal, scheduleId);
  const when = formatSchedule(policy);
  if (flags.json) printJson({ schedule: scheduleId, applied, when, taskQueue, ...state });
  else print(`schedule ${scheduleId} ${applied}: ${when}, on task queue ${taskQueue}${formatPause(state)}`);
  await warnWithoutWorker(temporal, taskQueue);
}

async function show({ policy, scheduleId, temporal, flags }: Verb): Promise<void> {
  const { info, state, action, policies } = await existing(temporal, scheduleId);
  const result = {
    schedule: scheduleId,
    paused: state.paused,
    note: state.note ?? '',
    policySays: formatSchedule(policy),
    nextRuns: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    openWorkflows: info.runningActions.map((open) => open.workflow.workflowId),
    lastWorkflows: info.recentActions.slice(-3).map((recent) => recent.action.workflow.workflowId),
    taskQueue: action.taskQueue,
    overlap: policies.overlap,
    catchupWindowSeconds: policies.catchupWindow / 1000,
  };
  if (flags.json) printJson(result);
  else for (const [key, value] of Object.entries(result)) print(`${key}: ${formatValue(value)}`);
}

async function pause({ setup, scheduleId, temporal, flags }: Verb): Promise<void> {
  await findOwn(temporal, scheduleId, setup);
  await temporal.client.schedule.getHandle(scheduleId).pause(flags.reason ?? 'paused by temporal-vacuum');
  await printState(scheduleId, temporal, flags);
}

async function resume({ setup, scheduleId, temporal, flags }: Verb): Promise<void> {
  await findOwn(temporal, scheduleId, setup);
  await temporal.client.schedule.getHandle(scheduleId).unpause(flags.reason ?? 'resumed by temporal-vacuum');
  await printState(scheduleId, temporal, flags);
}

async function trigger({ setup, scheduleId, temporal, flags }: Verb): Promise<void> {
  await findOwn(temporal, scheduleId, setup);
  const triggered = await triggerSchedule(temporal.client, scheduleId);
  if (flags.json) printJson({ schedule: scheduleId, ...triggered });
  else if (triggered.started) print(`schedule ${scheduleId} triggered`);
  else note(`workflow ${triggered.openWorkflow} is open; nothing was started`);
  if (!triggered.started) process.exitCode = EXIT.nothing;
  else await warnWithoutWorker(temporal, setup.taskQueue);
}

/** A run without a worker waits, and nothing fails. */
async function warnWithoutWorker({ client }: TemporalClient, taskQueue: string): Promise<void> {
  if (await hasWorker(client, taskQueue)) return;
  note(
    `no worker polls task queue ${taskQueue}: runs wait until one does. Start one: \`temporal-vacuum worker\``,
  );
}

async function remove({ setup, scheduleId, temporal, flags }: Verb): Promise<void> {
  const found = await describeOrNone(temporal.client, scheduleId);
  if (found !== undefined) assertOwnQueue(scheduleId, found, setup.taskQueue);
  if (found !== undefined) await temporal.client.schedule.getHandle(scheduleId).delete();
  if (flags.json) printJson({ schedule: scheduleId, deleted: found !== undefined });
  else print(found === undefined ? `there is no schedule ${scheduleId}` : `schedule ${scheduleId} deleted`);
}

async function printState(scheduleId: string, temporal: TemporalClient, flags: ScheduleFlags): Promise<void> {
  const { state } = await existing(temporal, scheduleId);
  if (flags.json) printJson({ schedule: scheduleId, ...state });
  else print(`schedule ${scheduleId} is ${state.paused ? 'paused' : 'active'}: ${state.note ?? ''}`);
}

/** Finds a schedule that starts its runs on the task queue of this command, and no other environment's. */
async function findOwn(
  temporal: TemporalClient,
  scheduleId: string,
  { taskQueue }: Setup,
): Promise<ScheduleDescription> {
  const found = await existing(temporal, scheduleId);
  assertOwnQueue(scheduleId, found, taskQueue);
  return found;
}

async function existing({ client }: TemporalClient, scheduleId: string): Promise<ScheduleDescription> {
  const found = await describeOrNone(client, scheduleId);
  if (found !== undefined) return found;
  throw new ValidationError('command', [
    { at: 'schedule', what: `Temporal has no schedule ${scheduleId}`, fix: 'Make it with `schedule apply`' },
  ]);
}

function formatPause({ paused, note: reason }: ScheduleDescription['state']): string {
  return paused ? `; it is paused (${reason ?? ''})` : '';
}

function formatValue(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.length === 0 ? 'none' : value.join(', ');
}
