import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import type { OpenRun } from '../../activities/stored/run.ts';
import type { Policy } from '../../policy/policy.ts';
import { ENCODED } from '../encoded-result.ts';
import { findSetupWithoutDatabase } from '../environment.ts';
import { findLedgerRun, findOpenQueue, findOpenWorkflows } from '../open-runs.ts';
import type { Signal, SignalResult } from '../send-signal.ts';
import { describeNoRun, sendSignal } from '../send-signal.ts';
import type { Setup } from '../setup.ts';
import { findPolicy, findUnknown } from '../setup.ts';
import type { TemporalClient, TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import { EXIT } from './exit-code.ts';
import type { DatabaseFlags } from './options.ts';
import { databaseName, readPolicyName, withJson, withPolicy, withSetup, withTemporal } from './options.ts';
import { note, print, printJson } from './output.ts';
import { withPastDatabase } from './past-database.ts';
import { wholeCommand } from './whole-command.ts';

interface SteerFlags extends DatabaseFlags, TemporalOptions {
  readonly id?: string;
  readonly workflowId?: string;
  readonly reason?: string;
}

/** `pause`: sends a signal to the open run, as `resume` and `stop` do. */
export function addPause(program: Command): void {
  add(program, 'pause', 'pause the open run of a policy after its current batch', '--reason <text>');
}

/** `resume` */
export function addResume(program: Command): void {
  add(program, 'resume', 'continue it after a pause');
}

/** `stop` */
export function addStop(program: Command): void {
  add(
    program,
    'stop',
    'end it after its current batch; the next run continues with the rest',
    '--reason <text>',
  );
}

function add(program: Command, signal: Signal, description: string, reason?: string): void {
  const command = program
    .command(signal)
    .description(description)
    .option('--workflow-id <id>', 'this workflow, if several runs of the policy are open')
    .addOption(databaseName())
    .option('--id <schedule>', 'the id of the schedule that may have started it (default: vacuum-POLICY)')
    .action(async (policy: string | undefined, flags: SteerFlags) =>
      steer(signal, readPolicyName(policy, flags), flags),
    );
  if (reason !== undefined) command.option(reason, 'the reason, which the run shows');
  withJson(withTemporal(withSetup(withPolicy(command))));
}

/** The policy whose runs get the signal. */
interface Target {
  readonly name: string;
  /** Whether the ledger knows it and the configuration does not. */
  readonly isRemoved: boolean;
  readonly ledgerRun: OpenRun | undefined;
}

async function steer(signal: Signal, name: string | undefined, flags: SteerFlags): Promise<void> {
  // An operator who stops a run may not know the database. Then only Temporal is asked.
  const { setup, hasDatabase } = await findSetupWithoutDatabase(flags, name);
  const target = await findTarget(setup, name, hasDatabase, flags);
  const temporal = await connectClient(flags);
  try {
    const open = await openWorkflows(temporal.client, setup, target, flags);
    const results: SignalResult[] = [];
    for (const id of open) {
      const result = await sendSignal(temporal.client, id, signal, flags.reason);
      if (result !== undefined) results.push(result);
    }
    printResults(signal, target, results, temporal, flags);
  } finally {
    await temporal.close();
  }
}

/** A run goes on after its policy was removed from the configuration: then the ledger has the policy. */
async function findTarget(
  setup: Setup,
  name: string | undefined,
  hasDatabase: boolean,
  { database }: SteerFlags,
): Promise<Target> {
  const unknown = name === undefined ? undefined : findUnknown(setup, name);
  if (name === undefined || unknown === undefined || !hasDatabase) {
    const policy = findPolicy(setup, name);
    const ledgerRun = hasDatabase ? await readLedgerRun(setup, policy) : undefined;
    return { name: policy.name, isRemoved: false, ledgerRun };
  }
  const ledgerRun = await withPastDatabase({ setup, policy: name, unknown }, database, async (past) =>
    findLedgerRun(past, name),
  );
  return { name, isRemoved: true, ledgerRun };
}

/** A run can be stopped even if the database does not respond. */
async function readLedgerRun(setup: Setup, policy: Policy): Promise<OpenRun | undefined> {
  try {
    return await withDatabase(setup, policy, async (database) => findLedgerRun(database, policy.name));
  } catch (error) {
    if (!(error instanceof DatabaseUnreachable)) throw error;
    note(`the ledger cannot be read, only Temporal was asked: ${error.message}`);
    return undefined;
  }
}

async function openWorkflows(
  client: Client,
  { policies, taskQueue }: Setup,
  { name, ledgerRun }: Target,
  { id, workflowId }: SteerFlags,
): Promise<string[]> {
  if (workflowId !== undefined)
    return (await findOpenQueue(client, workflowId)) !== undefined ? [workflowId] : [];
  return findOpenWorkflows(client, {
    policy: { name },
    policies,
    scheduleId: id,
    taskQueue,
    holder: ledgerRun,
  });
}

function printResults(
  signal: Signal,
  { name, isRemoved, ledgerRun }: Target,
  results: readonly SignalResult[],
  { address }: TemporalClient,
  flags: SteerFlags,
): void {
  const { json } = flags;
  const unknown =
    ledgerRun !== undefined && !results.some(({ workflowId }) => workflowId === ledgerRun.workflowId);
  if (json) {
    const elsewhere = unknown ? { run: ledgerRun.id, workflowId: ledgerRun.workflowId } : null;
    printJson({ policy: name, signal, workflows: results, openElsewhere: elsewhere });
  }
  for (const { workflowId, run, state } of json ? [] : results) {
    const which = run === null ? `workflow ${workflowId}` : `run ${run} of workflow ${workflowId}`;
    print(`${which}${formatResult(state)}`);
  }
  if (unknown) {
    note(
      `run ${ledgerRun.id} of workflow ${ledgerRun.workflowId} is open in the ledger, and Temporal at ${address} has no such workflow open. ` +
        'It is over, and the next run takes its place; or it works with another Temporal, that of a `run --temporal dev`, which ends with Ctrl-C.',
    );
  }
  if (results.length > 0) return;
  const none = isRemoved ? describeNoneOfRemoved(name, flags) : describeNoRun(signal, name);
  if (!json && !unknown) note(`at ${address} ${none}`);
  process.exitCode = EXIT.nothing;
}

function describeNoneOfRemoved(name: string, flags: SteerFlags): string {
  return (
    `no run of policy ${name} is open. The configuration does not have it any more: ` +
    `delete its schedule, if there is one, with \`${wholeCommand('schedule delete', { name }, flags)}\``
  );
}

function formatResult(state: SignalResult['state']): string {
  if (state === 'sent') return ': the signal is sent; no worker has confirmed it yet';
  if (state === 'encoded') {
    return `: the signal is sent; ${ENCODED}. \`temporal-vacuum history\` shows what comes of it`;
  }
  return state === 'waiting' ? ' is waiting for its turn; the signal takes effect then' : ` is ${state}`;
}
