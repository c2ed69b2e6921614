import type { Client, ScheduleDescription } from '@temporalio/client';
import type { Command } from 'commander';

import { describeDatabaseError } from '../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../activities/dialect/read-error.ts';
import { examineDatabase } from '../../activities/inspect/doctor.ts';
import type { Finding } from '../../activities/inspect/finding.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { hasWorker } from '../pollers.ts';
import { PRESETS } from '../presets.ts';
import { describeOrNone, getScheduleId, listOpenOf } from '../schedule.ts';
import type { Setup } from '../setup.ts';
import { findPolicy, findSetup } from '../setup.ts';
import { TemporalUnreachable } from '../temporal-unreachable.ts';
import type { TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { findWaitingRuns } from '../waiting-runs.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import { EXIT } from './exit-code.ts';
import { countFindings, formatFindings, sortFindings } from './format-findings.ts';
import type { SetupFlags } from './options.ts';
import { readPolicyName, withDetails, withJson, withPolicy, withSetup, withTemporal } from './options.ts';
import { print, printJson, strong } from './output.ts';
import { wholeCommand, workerCommand } from './whole-command.ts';

type DoctorFlags = SetupFlags & TemporalOptions & { readonly id?: string; readonly details: boolean };

/** `doctor`: checks everything that runs need. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check connection, privileges, indexes, ledger and Temporal; changes nothing')
    .option('--id <schedule>', 'the id of the schedule (default: vacuum-POLICY)')
    .action(async (policy: string | undefined, flags: DoctorFlags) =>
      doctor(readPolicyName(policy, flags), flags),
    );
  withJson(
    withDetails(withTemporal(withSetup(withPolicy(command))), 'print each finding, however many are alike'),
  );
}

async function doctor(name: string | undefined, flags: DoctorFlags): Promise<void> {
  const setup = await findSetup(flags, name);
  const policy = findPolicy(setup, name);
  const findings: Finding[] = [];
  try {
    findings.push(
      ...(await withDatabase(setup, policy, async (database) => examineDatabase(database, policy))),
    );
  } catch (error) {
    findings.push(...toFindings(error));
  }
  findings.push(...(await examineTemporal(flags, policy, setup)), ...(await examineOthers(policy)));
  if (flags.json) printJson(findings);
  else {
    print(`${strong(`policy ${policy.name}`)}: ${countFindings(findings)}`);
    formatFindings(sortFindings(findings), flags.details).forEach((line) => print(line));
  }
  if (findings.some((finding) => finding.state === 'problem')) process.exitCode = EXIT.failed;
}

/** The database does not respond, refuses to be looked at, or is none that can be cleaned. */
function toFindings(error: unknown): Finding[] {
  const about = 'connection';
  if (error instanceof DatabaseUnreachable) return [{ about, state: 'problem', what: error.message }];
  const refused = readDatabaseError(error);
  if (refused !== undefined)
    return [{ about: 'database', state: 'problem', what: describeDatabaseError(refused) }];
  if (!(error instanceof ValidationError)) throw error;
  return error.issues.map(({ what, fix }) => ({ about, state: 'problem', what, fix }));
}

async function examineTemporal(flags: DoctorFlags, policy: Policy, setup: Setup): Promise<Finding[]> {
  const about = 'Temporal';
  const { taskQueue } = setup;
  const scheduleId = flags.id ?? getScheduleId(policy);
  try {
    const temporal = await connectClient(flags);
    try {
      const found = await describeOrNone(temporal.client, scheduleId);
      const schedule = judgeSchedule(
        scheduleId,
        found,
        taskQueue,
        wholeCommand('schedule apply', policy, flags),
      );
      const isScheduled = found?.action.taskQueue === taskQueue && !found.state.paused;
      const worker = judgeWorker(
        taskQueue,
        await hasWorker(temporal.client, taskQueue),
        isScheduled,
        workerCommand(setup, flags),
      );
      const waiting = await examineWaiting(temporal.client, setup, policy, found);
      return [{ about, state: 'ok', what: `${temporal.address} responds` }, schedule, worker, ...waiting];
    } finally {
      await temporal.close();
    }
  } catch (error) {
    if (!(error instanceof TemporalUnreachable)) throw error;
    return [{ about, state: 'problem', what: error.message }];
  }
}

function judgeSchedule(
  id: string,
  found: ScheduleDescription | undefined,
  taskQueue: string,
  command: string,
): Finding {
  const about = 'schedule';
  if (found === undefined) {
    return { about, state: 'advice', what: 'there is none', fix: `Make it with \`${command}\`` };
  }
  const { action, state } = found;
  if (action.taskQueue === taskQueue) {
    return { about, state: 'ok', what: state.paused ? 'it is paused' : 'it is active' };
  }
  return {
    about,
    state: 'problem',
    what: `${id} starts its runs on task queue ${action.taskQueue}, and this one is ${taskQueue}: none of them comes here`,
    fix: `If it is another environment's, make one with \`${command} --id NAME\`, and name it here with --id. If it was taken away, take it back with \`${command} --move\``,
  };
}

/** Runs that have not begun are in no ledger, so that only their workflows tell of them. */
async function examineWaiting(
  client: Client,
  { taskQueue, policies }: Setup,
  { name }: Policy,
  schedule: ScheduleDescription | undefined,
): Promise<Finding[]> {
  const isOwn = schedule?.action.taskQueue === taskQueue;
  const scheduled = isOwn ? listOpenOf(schedule) : [];
  const waiting = await findWaitingRuns(client, { taskQueue, policies, scheduled });
  return waiting
    .filter(({ policy }) => policy === name)
    .map(({ workflowId, reason }) => ({
      about: 'run',
      state: 'ok',
      what: `workflow ${workflowId} waits to begin: ${reason}`,
    }));
}

/** Without a worker scheduled runs wait and nothing fails, so that nobody notices. */
function judgeWorker(taskQueue: string, isThere: boolean, isScheduled: boolean, command: string): Finding {
  const about = 'worker';
  if (isThere) return { about, state: 'ok', what: `one polls task queue ${taskQueue}` };
  return {
    about,
    state: isScheduled ? 'problem' : 'advice',
    what: `none polls task queue ${taskQueue}${isScheduled ? ', so that no scheduled run works' : ''}`,
    fix: `Start one: \`${command}\``,
  };
}

/** Checks whether the application cleans the same database. */
async function examineOthers(policy: Policy): Promise<Finding[]> {
  const preset = Object.hasOwn(PRESETS, policy.name) ? PRESETS[policy.name] : undefined;
  return preset === undefined ? [] : preset.examineRival(process.env);
}
