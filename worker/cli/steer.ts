import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import type { OpenRun } from '../../activities/ledger/runs.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { RunProgress } from '../../workflows/progress.ts';
import { findHolder, findOpenWorkflows, isOpen } from '../open-runs.ts';
import { scheduleIdOf } from '../schedule.ts';
import type { Setup } from '../setup.ts';
import { findSetup } from '../setup.ts';
import type { TemporalClient, TemporalOptions } from '../temporal.ts';
import { connectClient } from '../temporal.ts';
import { DatabaseUnreachable, withDatabase } from './database.ts';
import { EXIT } from './exit-code.ts';
import { findPolicy } from './find-policy.ts';
import type { SetupFlags } from './options.ts';
import { withJson, withSetup, withTemporal } from './options.ts';
import { note, print, printJson } from './output.ts';

interface SteerFlags extends SetupFlags, TemporalOptions {
  readonly id?: string;
  readonly workflowId?: string;
  readonly reason?: string;
}

type Signal = 'pause' | 'resume' | 'stop';

/** What became of a signal: how the run stands, or that no worker has said so yet. */
interface Felt {
  readonly workflowId: string;
  readonly run: number | null;
  readonly state: RunProgress['state'] | 'sent';
}

/** How long to wait for a worker to say that it felt the signal. */
const FELT_WITHIN_MILLIS = 5_000;
const LOOK_EVERY_MILLIS = 100;
const ANSWER_WITHIN_MILLIS = 1_500;

/** `pause`, `resume`, `stop`: what an operator asks of the run that is open. */
export function addSteering(program: Command): void {
  add(program, 'pause', 'let the open run of a policy rest after the batch under way', '--reason <text>');
  add(program, 'resume', 'let it go on after a pause');
  add(
    program,
    'stop',
    'end it after the batch under way; the next run goes on with the rest',
    '--reason <text>',
  );
}

function add(program: Command, signal: Signal, description: string, reason?: string): void {
  const command = program
    .command(signal)
    .argument('[policy]', 'a policy of the configuration file, or a preset')
    .description(description)
    .option('--workflow-id <id>', 'this workflow, where several runs of the policy are open')
    .option('--id <schedule>', 'the id of the schedule that may have started it (default: vacuum-POLICY)')
    .action(async (policy: string | undefined, flags: SteerFlags) => steer(signal, policy, flags));
  if (reason !== undefined) command.option(reason, 'why, for those who look at the run');
  withJson(withTemporal(withSetup(command)));
}

async function steer(signal: Signal, name: string | undefined, flags: SteerFlags): Promise<void> {
  const { setup, asksLedger } = await setupOf(name, flags);
  const policy = findPolicy(setup, name);
  const holder = asksLedger ? await holderOf(setup, policy) : undefined;
  const temporal = await connectClient(flags);
  try {
    const open = await openWorkflows(temporal.client, setup, policy, holder, flags);
    const felt: Felt[] = [];
    for (const workflowId of open) felt.push(await send(temporal.client, workflowId, signal, flags.reason));
    answer(signal, policy, felt, holder, temporal, flags.json);
  } finally {
    await temporal.close();
  }
}

/** Whoever has to stop a run may not know the database: then Temporal alone is asked. */
async function setupOf(
  name: string | undefined,
  flags: SteerFlags,
): Promise<{ setup: Setup; asksLedger: boolean }> {
  try {
    return { setup: await findSetup(flags, name), asksLedger: true };
  } catch (error) {
    if (!(error instanceof ValidationError) || flags.url !== undefined) throw error;
    return { setup: await findSetup({ ...flags, url: 'postgresql://unused' }, name), asksLedger: false };
  }
}

/** A database that is away must not keep anybody from stopping a run. */
async function holderOf(setup: Setup, policy: Policy): Promise<OpenRun | undefined> {
  try {
    return await withDatabase(setup, policy, async (database) => findHolder(database, policy.name));
  } catch (error) {
    if (!(error instanceof DatabaseUnreachable)) throw error;
    note(`the ledger was not asked, only Temporal: ${error.message}`);
    return undefined;
  }
}

async function openWorkflows(
  client: Client,
  { policies, taskQueue }: Setup,
  policy: Policy,
  holder: OpenRun | undefined,
  { id, workflowId }: SteerFlags,
): Promise<string[]> {
  if (workflowId !== undefined) return (await isOpen(client, workflowId)) ? [workflowId] : [];
  const scheduleId = id ?? scheduleIdOf(policy);
  const only = policies.length === 1;
  return findOpenWorkflows(client, { policy: policy.name, only, scheduleId, taskQueue, holder });
}

async function send(
  client: Client,
  workflowId: string,
  signal: Signal,
  reason: string | undefined,
): Promise<Felt> {
  const handle = client.workflow.getHandle(workflowId);
  await handle.signal(signal, ...(reason === undefined ? [] : [reason]));
  const until = Date.now() + FELT_WITHIN_MILLIS;
  let run: number | null = null;
  do {
    const progress = await client
      .withDeadline(Date.now() + ANSWER_WITHIN_MILLIS, async () => handle.query<RunProgress>('progress'))
      .catch(() => undefined);
    run = progress?.run ?? run;
    if (progress !== undefined && isFelt(signal, progress.state))
      return { workflowId, run, state: progress.state };
    await sleep(LOOK_EVERY_MILLIS);
  } while (Date.now() < until);
  return { workflowId, run, state: 'sent' };
}

function isFelt(signal: Signal, state: RunProgress['state']): boolean {
  switch (signal) {
    case 'pause':
      return state !== 'running' && state !== 'beginning';
    case 'resume':
      return state !== 'paused';
    case 'stop':
      return !['running', 'beginning', 'paused', 'waiting'].includes(state);
  }
}

function answer(
  signal: Signal,
  { name }: Policy,
  felt: readonly Felt[],
  holder: OpenRun | undefined,
  { address }: TemporalClient,
  json: boolean,
): void {
  const unknown = holder !== undefined && !felt.some(({ workflowId }) => workflowId === holder.workflowId);
  if (json) {
    const elsewhere = unknown ? { run: holder.id, workflowId: holder.workflowId } : null;
    printJson({ policy: name, signal, workflows: felt, openElsewhere: elsewhere });
  }
  for (const { workflowId, run, state } of json ? [] : felt) {
    const which = run === null ? `workflow ${workflowId}` : `run ${run} of workflow ${workflowId}`;
    print(state === 'sent' ? `${which}: ${NOT_FELT}` : `${which} is ${sayState(state)}`);
  }
  if (unknown) {
    note(
      `run ${holder.id} of workflow ${holder.workflowId} is open in the ledger, and Temporal at ${address} has no such workflow open. ` +
        'It is over, and the next run takes its place; or it works with another Temporal, that of a `run --temporal dev`, which ends with Ctrl-C.',
    );
  }
  if (felt.length > 0) return;
  if (!json && !unknown) {
    const next = signal === 'resume' ? 'resume' : 'pause';
    note(
      `no run of policy ${name} is open at ${address}; there is nothing to ${signal}. ` +
        `What comes next is the schedule's: \`temporal-vacuum schedule ${next} ${name}\`.`,
    );
  }
  process.exitCode = EXIT.nothing;
}

function sayState(state: RunProgress['state']): string {
  return state === 'waiting' ? 'waiting for its turn, and will feel it then' : state;
}

const NOT_FELT = 'the signal is sent; no worker has answered yet, it is felt when one does';
