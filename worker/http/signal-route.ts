import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { findOpenRun } from '../../activities/ledger/runs.ts';
import type { OpenRun } from '../../activities/stored/run.ts';
import { findOpenWorkflows } from '../open-runs.ts';
import { getScheduleId } from '../schedule.ts';
import type { Signal, SignalResult } from '../send-signal.ts';
import { describeNoRun, sendSignal, SIGNALS } from '../send-signal.ts';
import { Signalled } from './answers.ts';
import { buildSchema } from './route-schemas.ts';
import type { Sources } from './sources.ts';
import { askTemporal } from './temporal.ts';
import { Unavailable } from './unavailable.ts';

const Params = z.object({ policy: z.string().max(200), signal: z.enum(SIGNALS) });
const Body = z.object({
  reason: z.string().max(200).optional().describe('Shown by the run; only for pause and stop'),
  workflowId: z.string().max(1000).optional().describe('Only this workflow, if several runs are open'),
});

/** A workflow confirms a signal within 5 s, or not at all. */
const SIGNAL_TIMEOUT_MILLIS = 8_000;
const FIND_TIMEOUT_MILLIS = 5_000;

/** Adds the endpoint that pauses, resumes and stops the open runs of a policy, as the commands of these names do. */
export function addSignalRoute(app: FastifyInstance, sources: Sources): void {
  const { policies, client } = sources;
  const summary = 'Pause, resume or stop the open runs of a policy';
  const schema = buildSchema({ summary, response: Signalled, params: Params, body: Body });
  app.post(
    '/api/policies/:policy/:signal',
    { config: { steers: true }, schema, bodyLimit: 10_000 },
    async ({ params, body }, reply) => {
      const { policy, signal } = params as z.infer<typeof Params>;
      const { reason, workflowId } = body as z.infer<typeof Body>;
      if (!policies.some(({ name }) => name === policy)) {
        const known = policies.map(({ name }) => name).join(', ');
        return reply.code(404).send({ error: `this worker has no policy ${policy}; it has ${known}` });
      }
      const open = await findOpen(sources, policy);
      const addressed = open.filter((id) => workflowId === undefined || id === workflowId);
      if (addressed.length === 0) return reply.code(409).send({ error: describeNoRun(signal, policy) });
      const workflows: SignalResult[] = [];
      for (const id of addressed) {
        const result = await send(client, id, signal, signal === 'resume' ? undefined : reason);
        if (result !== undefined) workflows.push(result);
      }
      if (workflows.length === 0) return reply.code(409).send({ error: describeNoRun(signal, policy) });
      return { policy, signal, workflows };
    },
  );
}

/** Returns undefined if the workflow has ended meanwhile. */
async function send(
  client: Client,
  workflowId: string,
  signal: Signal,
  reason: string | undefined,
): Promise<SignalResult | undefined> {
  const work = async (): Promise<SignalResult> =>
    sendSignal(client, workflowId, signal, reason === '' ? undefined : reason);
  try {
    return await askTemporal(client, work, SIGNAL_TIMEOUT_MILLIS);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function findOpen(sources: Sources, name: string): Promise<string[]> {
  const { policies, client, worker } = sources;
  const holder = await readHolder(sources, name);
  const policy = policies.find((one) => one.name === name);
  if (policy === undefined) return [];
  const query = {
    policy: name,
    only: policies.length === 1,
    scheduleId: getScheduleId(policy),
    taskQueue: worker.options.taskQueue,
    holder,
  };
  return askTemporal(client, async () => findOpenWorkflows(client, query), FIND_TIMEOUT_MILLIS);
}

/** A run can be stopped even if the database does not respond. */
async function readHolder({ databases, policies }: Sources, name: string): Promise<OpenRun | undefined> {
  const policy = policies.find((one) => one.name === name);
  const database = policy === undefined ? undefined : databases.nameFor(policy);
  if (database === undefined) return undefined;
  try {
    return await databases.readLedger(database, async (ledger) => findOpenRun(ledger, name));
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
