import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { FastifyDynamicSwaggerOptions as SwaggerOptions } from '@fastify/swagger';
import fastifySwagger from '@fastify/swagger';
import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { FastifyError, FastifyInstance } from 'fastify';
import Fastify from 'fastify';

import type { DatabaseSource } from '../../activities/ledger/database.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { Unavailable } from '../unavailable.ts';
import { readVersion } from '../version.ts';
import { restrictAccess } from './access.ts';
import type { HttpAddress } from './address.ts';
import { describeBadAddress, formatUrl } from './address.ts';
import { ReadDatabases } from './databases.ts';
import { addRoutes } from './routes.ts';
import { addSignalRoute } from './signal-route.ts';

/** The options of {@link serveHttp}. */
export interface HttpOptions {
  /** Host, port and token, as {@link resolveHttpAddress} returns them. */
  readonly address: HttpAddress;
  /** The databases of the plugin. The server opens at most two connections of its own to each, and only reads. */
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  /** The policies of the plugin. */
  readonly policies: readonly Policy[];
  /** The schema of the ledger in each database. Default: `vacuum`. */
  readonly ledgerSchema?: string | undefined;
  /** The worker that the page describes. */
  readonly worker: Worker;
  /** A client of the same Temporal and namespace, such as `worker.client`. */
  readonly client: Client;
  /** The URL of the Prometheus exporter of this process. `GET /metrics` returns what it serves. */
  readonly metrics: string;
  /** The address of the Temporal UI, such as `http://localhost:8233`, for links to workflows. Default: no links. */
  readonly temporalUi?: string | undefined;
  /** Receives each unexpected error with the path of its request. The response only says that there was one. */
  readonly onError: (request: string, error: unknown) => void;
}

/** A server that listens. */
export interface HttpServer {
  /** Its URL, with the port that it took. */
  readonly url: string;
  /** Closes the server, its open requests and its database connections. */
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MILLIS = 20_000;

/**
 * Serves a page and an API about a worker: its policies, runs, tables and metrics. If the address has a token, they also
 * pause, resume and stop runs. Close the server when the worker ends. Throws a `ValidationError` if it cannot listen on
 * the address.
 */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { address, policies, worker, client, metrics, onError } = options;
  const databases = new ReadDatabases(options);
  const app = Fastify({
    logger: false,
    // An open page keeps its connection.
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MILLIS,
    routerOptions: { maxParamLength: 20 },
  });
  restrictAccess(app, address);
  setErrorHandlers(app, onError);
  await app.register(fastifySwagger, { openapi: DOCUMENT });
  const sources = {
    databases,
    policies,
    client,
    worker,
    metrics,
    temporalUi: options.temporalUi?.replace(/\/+$/, ''),
    canSteer: address.token !== undefined,
  };
  addRoutes(app, sources);
  addSignalRoute(app, sources);
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
    assertValid('command', [describeBadAddress(`nothing can be served: ${reason}`)]);
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { url: formatUrl(address.host, port), close };
}

const DOCUMENT: NonNullable<SwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'temporal-vacuum worker',
    description:
      'The state of the policies, runs and tables of a worker. With a token, runs can be paused, resumed and stopped.',
    version: readVersion(),
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  // Without a token, requests need none.
  security: [{ token: [] }, {}],
};

/** Every error response is a sentence. The details of unexpected errors only go to the log. */
function setErrorHandlers(app: FastifyInstance, onError: HttpOptions['onError']): void {
  app.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ error: 'not found; /openapi.json lists the endpoints' }),
  );
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (error instanceof Unavailable) return reply.code(503).send({ error: error.message });
    if (error.validation !== undefined) return reply.code(400).send({ error: error.message });
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
      return reply.code(error.statusCode).send({ error: 'the request is invalid' });
    }
    onError(request.routeOptions.url ?? 'a request', error);
    return reply
      .code(500)
      .send({ error: 'an unexpected error; the log of the worker has it at level debug' });
  });
}

const FOLDER = fileURLToPath(new URL('page', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the page: a handful of files without data, which need no token. */
function servePage(app: FastifyInstance): void {
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(FOLDER, name));
    const url = name === 'index.html' ? '/' : `/page/${name}`;
    app.get(url, { config: { open: true }, schema: { hide: true } }, async (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(body),
    );
  }
}
