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
import { findPolicy } from '../setup.ts';
import type { TemporalClient, TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import { EXIT } from './exit-code.ts';
import type { SetupFlags } from './options.ts';
import { readPolicyName, withJson, withPolicy, withSetup, withTemporal } from './options.ts';
import { note, print, printJson } from './output.ts';

interface SteerFlags extends SetupFlags, TemporalOptions {
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
    .option('--id <schedule>', 'the id of the schedule that may have started it (default: vacuum-POLICY)')
    .action(async (policy: string | undefined, flags: SteerFlags) =>
      steer(signal, readPolicyName(policy, flags), flags),
    );
  if (reason !== undefined) command.option(reason, 'the reason, which the run shows');
  withJson(withTemporal(withSetup(withPolicy(command))));
}

async function steer(signal: Signal, name: string | undefined, flags: SteerFlags): Promise<void> {
  // An operator who stops a run may not know the database. Then only Temporal is asked.
  const { setup, hasDatabase } = await findSetupWithoutDatabase(flags, name);
  const policy = findPolicy(setup, name);
  const ledgerRun = hasDatabase ? await readLedgerRun(setup, policy) : undefined;
  const temporal = await connectClient(flags);
  try {
    const open = await openWorkflows(temporal.client, setup, policy, ledgerRun, flags);
    const results: SignalResult[] = [];
    for (const id of open) {
      const result = await sendSignal(temporal.client, id, signal, flags.reason);
      if (result !== undefined) results.push(result);
    }
    printResults(signal, policy, results, ledgerRun, temporal, flags.json);
  } finally {
    await temporal.close();
  }
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
  policy: Policy,
  ledgerRun: OpenRun | undefined,
  { id, workflowId }: SteerFlags,
): Promise<string[]> {
  if (workflowId !== undefined)
    return (await findOpenQueue(client, workflowId)) !== undefined ? [workflowId] : [];
  return findOpenWorkflows(client, { policy, policies, scheduleId: id, taskQueue, holder: ledgerRun });
}

function printResults(
  signal: Signal,
  { name }: Policy,
  results: readonly SignalResult[],
  ledgerRun: OpenRun | undefined,
  { address }: TemporalClient,
  json: boolean,
): void {
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
  if (!json && !unknown) note(`at ${address} ${describeNoRun(signal, name)}`);
  process.exitCode = EXIT.nothing;
}

function formatResult(state: SignalResult['state']): string {
  if (state === 'sent') return ': the signal is sent; no worker has confirmed it yet';
  if (state === 'encoded') {
    return `: the signal is sent; ${ENCODED}. \`temporal-vacuum history\` shows what comes of it`;
  }
  return state === 'waiting' ? ' is waiting for its turn; the signal takes effect then' : ` is ${state}`;
}
