import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { arrayFromPayloads, defaultPayloadConverter, ValueError } from '@temporalio/common';

import type { VacuumInput } from '../activities/contract.ts';
import type { Database } from '../activities/ledger/database.ts';
import { findOpenRun } from '../activities/ledger/runs.ts';
import { CLOSED } from '../activities/run/lease.ts';
import type { OpenRun } from '../activities/stored/run.ts';
import type { Policy } from '../policy/policy.ts';
import { describeOrNone, getScheduleId, listOpenOf } from './schedule.ts';

/** The policy whose open runs to find. */
interface OpenRunQuery {
  /** It may have been removed from the configuration. */
  readonly policy: Pick<Policy, 'name'>;
  /** The policies of the worker of the task queue. If it has only one, runs need not name it. */
  readonly policies: readonly Policy[];
  /** A schedule whose runs are meant on whatever task queue. Default: that of the policy, on this task queue. */
  readonly scheduleId?: string | undefined;
  readonly taskQueue: string;
  /** The open run in the ledger. Undefined if there is none, or if the ledger cannot be read. */
  readonly holder: OpenRun | undefined;
}

/**
 * Finds the open workflows of a policy: the one in the ledger, those of the schedule, and those on the task queue.
 * Leaves out previews, because they cannot be paused or stopped. Describes each workflow, because lists of Temporal lag.
 */
export async function findOpenWorkflows(client: Client, of: OpenRunQuery): Promise<string[]> {
  const schedule = await describeOrNone(client, of.scheduleId ?? getScheduleId(of.policy));
  // A schedule with the same name may be another environment's, with another task queue.
  const isOwn = of.scheduleId !== undefined || schedule?.action.taskQueue === of.taskQueue;
  const scheduled = schedule !== undefined && isOwn ? listOpenOf(schedule) : [];
  const candidates = [
    ...(of.holder === undefined ? [] : [of.holder.workflowId]),
    ...scheduled,
    ...(await listStarted(client, of)),
  ];
  const open: string[] = [];
  for (const workflowId of new Set(candidates)) {
    if ((await findOpenQueue(client, workflowId)) !== undefined) open.push(workflowId);
  }
  return open;
}

/** Returns the task queue of a workflow that Temporal has open under this id. Undefined if it has none. */
export async function findOpenQueue(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const { status, taskQueue } = await client.workflow.getHandle(workflowId).describe();
    return CLOSED.has(status.name) ? undefined : taskQueue;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Returns the open run of a policy in the ledger. Undefined if there is none, or no ledger of our version. */
export async function findLedgerRun({ ledger }: Database, policy: string): Promise<OpenRun | undefined> {
  return (await ledger.version()) === 'current' ? findOpenRun(ledger, policy) : undefined;
}

/** Lists the open runs on a task queue, previews included. The list of Temporal lags some seconds behind. */
export function listOpenOn(client: Client, taskQueue: string): AsyncIterable<WorkflowExecutionInfo> {
  const queue = taskQueue.replaceAll("'", String.raw`\'`);
  const query = `WorkflowType = 'vacuum' and CloseTime is null and TaskQueue = '${queue}'`;
  return client.workflow.list({ query });
}

async function listStarted(client: Client, { policy, policies, taskQueue }: OpenRunQuery): Promise<string[]> {
  const found: string[] = [];
  const only = policies.length === 1 ? policies[0]?.name : undefined;
  for await (const { workflowId, runId } of listOpenOn(client, taskQueue)) {
    const input = await readInput(client, workflowId, runId);
    if (input === undefined || input.mode === 'preview') continue;
    if ((input.policy ?? only) === policy.name) found.push(workflowId);
  }
  return found;
}

/** Returns the input of a run. Undefined if the run was removed or the input cannot be read. */
async function readInput(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<VacuumInput | undefined> {
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
