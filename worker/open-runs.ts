import type { Client } from '@temporalio/client';
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { arrayFromPayloads, defaultPayloadConverter, ValueError } from '@temporalio/common';

import type { VacuumInput } from '../activities/contract.ts';
import type { Database } from '../activities/database/database.ts';
import type { OpenRun } from '../activities/ledger/runs.ts';
import { findOpenRun } from '../activities/ledger/runs.ts';
import { CLOSED } from '../activities/run/lease.ts';
import { describeOrNone } from './schedule.ts';

/** Whose runs to look for, and where. */
export interface OpenRunsOf {
  readonly policy: string;
  /** Whether the worker of the task queue has no other policy: then runs need not name it. */
  readonly only: boolean;
  readonly scheduleId: string;
  readonly taskQueue: string;
  /** The run that the ledger has open, if it could be asked. */
  readonly holder: OpenRun | undefined;
}

/**
 * The workflows that are open for a policy, whoever started them: the one that the ledger names, those of the
 * schedule, and those on the task queue. Of these only runs that delete; a preview has nothing to steer. Which of
 * them is open is asked of each, since lists of Temporal lag.
 */
export async function findOpenWorkflows(client: Client, of: OpenRunsOf): Promise<string[]> {
  const scheduled = (await describeOrNone(client, of.scheduleId))?.info.runningActions ?? [];
  const candidates = [
    ...(of.holder === undefined ? [] : [of.holder.workflowId]),
    ...scheduled.map((open) => open.workflow.workflowId),
    ...(await startedOn(client, of)),
  ];
  const open: string[] = [];
  for (const workflowId of new Set(candidates)) {
    if (await isOpen(client, workflowId)) open.push(workflowId);
  }
  return open;
}

/** Whether Temporal knows a workflow and has it open. */
export async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return !CLOSED.has(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The run that a ledger has open for a policy; undefined too where there is no ledger, or none of ours. */
export async function findHolder({ ledger }: Database, policy: string): Promise<OpenRun | undefined> {
  return (await ledger.version()) === 'current' ? findOpenRun(ledger, policy) : undefined;
}

async function startedOn(client: Client, { policy, only, taskQueue }: OpenRunsOf): Promise<string[]> {
  const found: string[] = [];
  const queue = taskQueue.replaceAll("'", String.raw`\'`);
  const query = `WorkflowType = 'vacuum' and CloseTime is null and TaskQueue = '${queue}'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const input = await inputOf(client, workflowId, runId);
    if (input === undefined || input.mode === 'preview') continue;
    if (input.policy === policy || (input.policy === undefined && only)) found.push(workflowId);
  }
  return found;
}

/** What a run was started with; undefined where it is gone meanwhile or cannot be read. */
async function inputOf(client: Client, workflowId: string, runId: string): Promise<VacuumInput | undefined> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [input] = arrayFromPayloads(defaultPayloadConverter, started?.input?.payloads);
    return typeof input === 'object' && input !== null ? input : {};
  } catch (error) {
    if (isGrpcServiceError(error) || error instanceof ValueError) return undefined;
    throw error;
  }
}
