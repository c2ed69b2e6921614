import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { Unavailable } from '../unavailable.ts';
import { createPolicyReader } from './policies.ts';
import { createReadinessReader } from './readiness.ts';
import { Health, Policies, Readiness, Tables, Workers } from './response-schemas.ts';
import type { RouteOptions } from './route-schemas.ts';
import { METRICS, buildSchema } from './route-schemas.ts';
import { Run, Runs, Status } from './run-schemas.ts';
import { createRunReader } from './runs.ts';
import type { Sources } from './sources.ts';
import { createStatusReader } from './status.ts';
import { createTableReader } from './tables.ts';
import { workerReader } from './workers.ts';

const MAX_RUNS = 100;
const METRICS_TIMEOUT_MILLIS = 5_000;

const RunsQuery = z.object({
  policy: z.string().max(200).optional().describe('Only runs of this policy'),
  database: z.string().max(200).optional().describe("Only runs of the worker's database of this name"),
  limit: z.int().min(1).max(MAX_RUNS).default(20).describe('The maximum number of runs'),
});
const RunQuery = z.object({
  database: z.string().max(200).optional().describe('The database of the run, if the worker has several'),
});
const RunParams = z.object({ id: z.int().min(1).max(2_147_483_647) });

/** Adds the endpoints. The schema of a response leaves out everything that it does not declare. */
export function addRoutes(app: FastifyInstance, sources: Sources): void {
  const runs = createRunReader(sources);
  const readiness = createReadinessReader(sources);
  const { names } = sources.databases;
  const add = <T>(
    url: string,
    options: RouteOptions & { readonly response: z.ZodType<T> },
    read: (request: FastifyRequest, reply: FastifyReply) => Promise<T>,
  ): void => {
    const { open = false } = options;
    app.get(url, { config: { open }, schema: buildSchema(options) }, read);
  };
  add('/healthz', { summary: 'Whether the process lives', response: Health, open: true }, async () => ({
    status: 'ok' as const,
  }));
  const ready = {
    summary: 'Whether runs can work here',
    response: Readiness,
    unavailable: Readiness,
    open: true,
  };
  add('/readyz', ready, async (request, reply) => {
    const state = await readiness();
    if (!state.ready) reply.code(503);
    return request.trusted ? state : { ...state, reasons: [], lastRuns: [] };
  });
  add(
    '/api/system/workers',
    { summary: 'The workers of the task queue', response: Workers },
    workerReader(sources),
  );
  add(
    '/api/admin/cleanup/status',
    { summary: 'The open runs and the last run of each policy', response: Status },
    createStatusReader(sources),
  );
  add(
    '/api/policies',
    { summary: 'The policies and their schedules', response: Policies },
    createPolicyReader(sources),
  );
  add(
    '/api/tables',
    { summary: 'The sizes of the tables of the policies', response: Tables },
    createTableReader(sources),
  );
  add(
    '/api/runs',
    { summary: 'The runs, the newest first', response: Runs, query: RunsQuery },
    async ({ query }) => runs.runs(query as z.infer<typeof RunsQuery>),
  );
  const one = { summary: 'A run with its passes and tables', query: RunQuery, params: RunParams };
  app.get(
    '/api/runs/:id',
    { schema: buildSchema({ ...one, response: Run }) },
    async ({ params, query }, reply) => {
      const { id } = params as z.infer<typeof RunParams>;
      const { database = names.length === 1 ? names[0] : undefined } = query as z.infer<typeof RunQuery>;
      if (database === undefined || !names.includes(database)) {
        return reply
          .code(400)
          .send({ error: `name the database: ?database= with one of ${names.join(', ')}` });
      }
      const run = await runs.run(database, id);
      return run ?? reply.code(404).send({ error: `the ledger of database ${database} has no run ${id}` });
    },
  );
  app.get('/metrics', { schema: METRICS }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await readMetrics(sources.metrics)),
  );
}

/** Reads the metrics that the Prometheus exporter of this process serves. */
async function readMetrics(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MILLIS) });
    if (response.ok) return await response.text();
  } catch (error) {
    throw new Unavailable('the exporter of this process does not respond', { cause: error });
  }
  throw new Unavailable('the exporter of this process responds with an error');
}
