import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { Health, Policies, Readiness, Run, Runs, Status, Tables, Workers } from './answers.ts';
import { readMetrics } from './metrics.ts';
import { policyReader } from './policies.ts';
import { readinessReader } from './readiness.ts';
import type { RouteOptions } from './route-schemas.ts';
import { METRICS, schemaOf } from './route-schemas.ts';
import { runReader } from './runs.ts';
import type { Sources } from './sources.ts';
import { statusReader } from './status.ts';
import { tableReader } from './tables.ts';
import { workerReader } from './workers.ts';

const MOST_RUNS = 100;

const RunsQuery = z.object({
  policy: z.string().max(200).optional().describe('Only runs of this policy'),
  database: z.string().max(200).optional().describe("Only runs of the worker's database of this name"),
  limit: z.int().min(1).max(MOST_RUNS).default(20).describe('At most so many'),
});
const RunQuery = z.object({
  database: z.string().max(200).optional().describe('Which database, where the worker has several'),
});
const RunParams = z.object({ id: z.int().min(1).max(2_147_483_647) });

/** The endpoints. What they answer is held to its schema, which leaves out what is not declared. */
export function addRoutes(app: FastifyInstance, sources: Sources): void {
  const runs = runReader(sources);
  const readiness = readinessReader(sources);
  const { names } = sources.databases;
  const add = <T>(
    url: string,
    options: RouteOptions & { readonly answer: z.ZodType<T> },
    read: (request: FastifyRequest, reply: FastifyReply) => Promise<T>,
  ): void => {
    const { open = false } = options;
    app.get(url, { config: { open }, schema: schemaOf(options) }, read);
  };
  add('/healthz', { summary: 'The process lives', answer: Health, open: true }, async () => ({
    status: 'ok' as const,
  }));
  const ready = { summary: 'Runs would go on here', answer: Readiness, away: Readiness, open: true };
  add('/readyz', ready, async (request, reply) => {
    const answer = await readiness();
    if (!answer.ready) reply.code(503);
    return request.trusted ? answer : { ...answer, reasons: [] };
  });
  add(
    '/api/system/workers',
    { summary: 'The workers of the task queue', answer: Workers },
    workerReader(sources),
  );
  add(
    '/api/admin/cleanup/status',
    { summary: 'What is under way and what was last', answer: Status },
    statusReader(sources),
  );
  add(
    '/api/policies',
    { summary: 'The policies and their schedules', answer: Policies },
    policyReader(sources),
  );
  add(
    '/api/tables',
    { summary: 'What the tables of the policies measure', answer: Tables },
    tableReader(sources),
  );
  add(
    '/api/runs',
    { summary: 'The runs, the newest first', answer: Runs, query: RunsQuery },
    async ({ query }) => runs.runs(query as z.infer<typeof RunsQuery>),
  );
  const one = { summary: 'A run with its passes and tables', query: RunQuery, params: RunParams };
  app.get(
    '/api/runs/:id',
    { schema: schemaOf({ ...one, answer: Run }) },
    async ({ params, query }, reply) => {
      const { id } = params as z.infer<typeof RunParams>;
      const { database = names.length === 1 ? names[0] : undefined } = query as z.infer<typeof RunQuery>;
      if (database === undefined || !names.includes(database)) {
        return reply
          .code(400)
          .send({ error: `say which database: ?database= with one of ${names.join(', ')}` });
      }
      const run = await runs.run(database, id);
      return run ?? reply.code(404).send({ error: `the ledger of database ${database} has no run ${id}` });
    },
  );
  app.get('/metrics', { schema: METRICS }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await readMetrics(sources.metrics)),
  );
}
