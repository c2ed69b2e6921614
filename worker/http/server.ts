import type { FastifyDynamicSwaggerOptions as SwaggerOptions } from '@fastify/swagger';
import fastifySwagger from '@fastify/swagger';
import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { FastifyError, FastifyInstance } from 'fastify';
import Fastify from 'fastify';

import { refuseMistakes } from '../../policy/mistake.ts';
import type { Setup } from '../setup.ts';
import { readVersion } from '../version.ts';
import type { HttpAddress } from './address.ts';
import { badAddress, urlOf } from './address.ts';
import { ReadDatabases } from './databases.ts';
import { guard } from './guard.ts';
import { servePage } from './page.ts';
import { addRoutes } from './routes.ts';
import { Unavailable } from './unavailable.ts';

/** What {@link serveHttp} needs. */
export interface HttpOptions {
  readonly address: HttpAddress;
  readonly setup: Setup;
  readonly worker: Worker;
  readonly client: Client;
  /** Where the process serves its metrics. */
  readonly metrics: string;
  /** Told of what nobody foresaw. */
  readonly onError: (request: string, error: unknown) => void;
}

/** A server that listens. */
export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_WITHIN_MILLIS = 20_000;

/** Serves how things stand, to read and nothing else. Throws a `MistakesError` where it cannot listen. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { address, setup, worker, client, metrics, onError } = options;
  const databases = new ReadDatabases(setup);
  const app = Fastify({
    logger: false,
    // A page that is open keeps its connection.
    forceCloseConnections: true,
    requestTimeout: REQUEST_WITHIN_MILLIS,
    routerOptions: { maxParamLength: 20 },
  });
  guard(app, address);
  sayErrors(app, onError);
  await app.register(fastifySwagger, { openapi: DOCUMENT });
  addRoutes(app, { databases, policies: setup.policies, client, worker, metrics });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  servePage(app);
  const close = async (): Promise<void> => {
    await app.close();
    await databases.close();
  };
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    await close();
    const reason = error instanceof Error ? error.message : String(error);
    refuseMistakes('command', [badAddress(`nothing can be served: ${reason}`)]);
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { url: urlOf(address.host, port), close };
}

const DOCUMENT: NonNullable<SwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'temporal-vacuum worker',
    description: 'How the policies, runs and tables of a worker stand. Read-only.',
    version: readVersion(),
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  // Where no token is set none is asked for.
  security: [{ token: [] }, {}],
};

/** Every error is a sentence; what nobody foresaw is only told to the log. */
function sayErrors(app: FastifyInstance, onError: HttpOptions['onError']): void {
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ error: 'there is nothing here; /openapi.json has what there is' }),
  );
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (error instanceof Unavailable) return reply.code(503).send({ error: error.message });
    if (error.validation !== undefined) return reply.code(400).send({ error: error.message });
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
      return reply.code(error.statusCode).send({ error: 'the request cannot be understood' });
    }
    onError(request.routeOptions.url ?? 'a request', error);
    return reply
      .code(500)
      .send({ error: 'an unexpected error; the log of the worker has it at level debug' });
  });
}
