import type { ScheduleDescription } from '@temporalio/client';
import type { Command } from 'commander';

import type { VacuumInput } from '../../activities/contract.ts';
import { describeDisabled } from '../../policy/describe-disabled.ts';
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
  listOpenOf,
  triggerSchedule,
} from '../schedule.ts';
import type { Setup } from '../setup.ts';
import { findPolicy, findUnknown } from '../setup.ts';
import type { TemporalClient, TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { EXIT } from './exit-code.ts';
import type { SetupFlags } from './options.ts';
import { readPolicyName, withJson, withPolicy, withSetup, withTemporal } from './options.ts';
import { note, print, printJson } from './output.ts';
import { wholeCommand, workerCommand } from './whole-command.ts';

interface ScheduleFlags extends SetupFlags, TemporalOptions {
  readonly id?: string;
  readonly reason?: string;
  readonly move?: boolean;
}

/** A policy and its schedule. */
interface Verb {
  readonly setup: Setup;
  readonly hasDatabase: boolean;
  readonly name: string;
  /** Undefined if the policy was removed from the configuration and its schedule is still there. */
  readonly policy: Policy | undefined;
  readonly scheduleId: string;
  readonly temporal: TemporalClient;
  readonly flags: ScheduleFlags;
}

const NOT_CONFIGURED = 'its policy is not in the configuration';
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
  const unknown = name === undefined ? undefined : findUnknown(setup, name);
  const policy = unknown === undefined ? findPolicy(setup, name) : undefined;
  const known = policy?.name ?? name ?? '';
  const temporal = await connectClient(flags).catch((error: unknown) => {
    // Without Temporal nobody knows whether the policy was removed: it is more often misspelt.
    throw unknown ?? error;
  });
  try {
    const scheduleId = flags.id ?? getScheduleId({ name: known });
    if (unknown !== undefined && !(await runsPolicy(temporal, scheduleId, known))) throw unknown;
    await work({ setup, hasDatabase, name: known, policy, scheduleId, temporal, flags });
  } finally {
    await temporal.close();
  }
}

/** Whether a schedule starts runs of a policy: a removed policy has one, and a misspelt one has none. */
async function runsPolicy({ client }: TemporalClient, scheduleId: string, policy: string): Promise<boolean> {
  const found = await describeOrNone(client, scheduleId);
  const [input] = found?.action.args ?? [];
  return (input as VacuumInput | undefined)?.policy === policy;
}

/** Returns the policy of a verb that has its runs started. Throws a `ValidationError` if it was removed. */
function readConfigured({ name, policy, scheduleId, flags }: Verb): Policy {
  if (policy !== undefined) return policy;
  const command = wholeCommand('schedule delete', { name }, flags);
  throw new ValidationError('command', [
    {
      at: `policy ${name}`,
      what: `the configuration does not have it, so that runs of schedule ${scheduleId} fail`,
      fix: `Delete the schedule with \`${command}\`, or put the policy back`,
    },
  ]);
}

async function apply(verb: Verb): Promise<void> {
  const { setup, hasDatabase, scheduleId, temporal, flags } = verb;
  const policy = readConfigured(verb);
  const { taskQueue } = setup;
  const environment = hasDatabase ? await hashEnvironment(setup, policy) : undefined;
  const target = { scheduleId, taskQueue, environment, move: flags.move };
  const applied = await applySchedule(temporal.client, policy, target);
  const { state } = await existing(verb);
  const when = formatSchedule(policy);
  if (flags.json) printJson({ schedule: scheduleId, applied, when, taskQueue, ...state });
  else print(`schedule ${scheduleId} ${applied}: ${when}, on task queue ${taskQueue}${formatPause(state)}`);
  warnIfDisabled(policy);
  await warnWithoutWorker(verb);
}

async function show(verb: Verb): Promise<void> {
  const { policy, scheduleId, flags } = verb;
  const described = await existing(verb);
  const { info, state, action, policies } = described;
  const result = {
    schedule: scheduleId,
    paused: state.paused,
    note: state.note ?? '',
    policySays: policy === undefined ? NOT_CONFIGURED : formatSchedule(policy),
    nextRuns: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    openWorkflows: listOpenOf(described),
    lastWorkflows: info.recentActions.slice(-3).map((recent) => recent.action.workflow.workflowId),
    taskQueue: action.taskQueue,
    overlap: policies.overlap,
    catchupWindowSeconds: policies.catchupWindow / 1000,
  };
  if (flags.json) printJson(result);
  else for (const [key, value] of Object.entries(result)) print(`${key}: ${formatValue(value)}`);
}

async function pause(verb: Verb): Promise<void> {
  const { scheduleId, temporal, flags } = verb;
  await findOwn(verb);
  await temporal.client.schedule.getHandle(scheduleId).pause(flags.reason ?? 'paused by temporal-vacuum');
  await printState(verb);
}

async function resume(verb: Verb): Promise<void> {
  const { scheduleId, temporal, flags } = verb;
  readConfigured(verb);
  await findOwn(verb);
  await temporal.client.schedule.getHandle(scheduleId).unpause(flags.reason ?? 'resumed by temporal-vacuum');
  await printState(verb);
}

async function trigger(verb: Verb): Promise<void> {
  const { scheduleId, temporal, flags } = verb;
  const policy = readConfigured(verb);
  await findOwn(verb);
  const triggered = await triggerSchedule(temporal.client, scheduleId);
  if (flags.json) printJson({ schedule: scheduleId, ...triggered });
  else if (triggered.started) print(`schedule ${scheduleId} triggered`);
  else note(`workflow ${triggered.openWorkflow} is open; nothing was started`);
  if (!triggered.started) process.exitCode = EXIT.nothing;
  else {
    warnIfDisabled(policy);
    await warnWithoutWorker(verb);
  }
}

/** The worker decides, and may have other settings than this command. */
function warnIfDisabled(policy: Policy): void {
  if (!policy.enabled) note(`by the settings of this command, ${describeDisabled(policy)}`);
}

/** A run without a worker waits, and nothing fails. */
async function warnWithoutWorker({ setup, temporal, flags }: Verb): Promise<void> {
  if (await hasWorker(temporal.client, setup.taskQueue)) return;
  note(
    `no worker polls task queue ${setup.taskQueue}: runs wait until one does. Start one: \`${workerCommand(setup, flags)}\``,
  );
}

async function remove({ setup, policy, scheduleId, temporal, flags }: Verb): Promise<void> {
  const found = await describeOrNone(temporal.client, scheduleId);
  if (found !== undefined) assertOwnQueue(scheduleId, found, setup.taskQueue);
  if (found !== undefined) await temporal.client.schedule.getHandle(scheduleId).delete();
  if (flags.json) printJson({ schedule: scheduleId, deleted: found !== undefined });
  else if (found === undefined) print(`there is no schedule ${scheduleId}`);
  else print(`schedule ${scheduleId} deleted${policy === undefined ? `; ${NOT_CONFIGURED}` : ''}`);
}

async function printState(verb: Verb): Promise<void> {
  const { scheduleId, flags } = verb;
  const { state } = await existing(verb);
  if (flags.json) printJson({ schedule: scheduleId, ...state });
  else print(`schedule ${scheduleId} is ${state.paused ? 'paused' : 'active'}: ${state.note ?? ''}`);
}

/** Finds a schedule that starts its runs on the task queue of this command, and no other environment's. */
async function findOwn(verb: Verb): Promise<ScheduleDescription> {
  const found = await existing(verb);
  assertOwnQueue(verb.scheduleId, found, verb.setup.taskQueue);
  return found;
}

async function existing({ temporal, name, scheduleId, flags }: Verb): Promise<ScheduleDescription> {
  const found = await describeOrNone(temporal.client, scheduleId);
  if (found !== undefined) return found;
  const fix = `Make it with \`${wholeCommand('schedule apply', { name }, flags)}\``;
  throw new ValidationError('command', [
    { at: 'schedule', what: `Temporal has no schedule ${scheduleId}`, fix },
  ]);
}

function formatPause({ paused, note: reason }: ScheduleDescription['state']): string {
  return paused ? `; it is paused (${reason ?? ''})` : '';
}

function formatValue(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.length === 0 ? 'none' : value.join(', ');
}
