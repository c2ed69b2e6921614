import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { findOpenRun } from '../../activities/ledger/runs.ts';
import type { OpenRun } from '../../activities/stored/run.ts';
import type { Policy } from '../../policy/policy.ts';
import { askTemporal } from '../ask-temporal.ts';
import { findOpenWorkflows } from '../open-runs.ts';
import type { SignalResult } from '../send-signal.ts';
import { describeNoRun, sendSignal, SIGNALS } from '../send-signal.ts';
import { Unavailable } from '../unavailable.ts';
import { Signalled } from './response-schemas.ts';
import { buildSchema } from './route-schemas.ts';
import type { Sources } from './sources.ts';

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
      const { policy: name, signal } = params as z.infer<typeof Params>;
      const { reason, workflowId } = body as z.infer<typeof Body>;
      const policy = policies.find((one) => one.name === name);
      if (policy === undefined) {
        const known = policies.map((one) => one.name).join(', ');
        return reply.code(404).send({ error: `this worker has no policy ${name}; it has ${known}` });
      }
      const open = await findOpen(sources, policy);
      const workflows: SignalResult[] = [];
      for (const id of open.filter((one) => workflowId === undefined || one === workflowId)) {
        const work = async (): Promise<SignalResult | undefined> =>
          sendSignal(client, id, signal, signal === 'resume' ? undefined : reason);
        const result = await askTemporal(client, work, SIGNAL_TIMEOUT_MILLIS);
        if (result !== undefined) workflows.push(result);
      }
      if (workflows.length === 0) return reply.code(409).send({ error: describeNoRun(signal, name) });
      return { policy: name, signal, workflows };
    },
  );
}

async function findOpen(sources: Sources, policy: Policy): Promise<string[]> {
  const { policies, client, worker } = sources;
  const { taskQueue } = worker.options;
  const holder = await readHolder(sources, policy);
  const work = async (): Promise<string[]> =>
    findOpenWorkflows(client, { policy, policies, taskQueue, holder });
  return askTemporal(client, work, FIND_TIMEOUT_MILLIS);
}

/** A run can be stopped even if the database does not respond. */
async function readHolder({ databases }: Sources, policy: Policy): Promise<OpenRun | undefined> {
  const database = databases.nameFor(policy);
  if (database === undefined) return undefined;
  try {
    return await databases.readLedger(database, async (ledger) => findOpenRun(ledger, policy.name));
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
