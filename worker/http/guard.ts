import { createHash, timingSafeEqual } from 'node:crypto';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { HttpAddress } from './address.ts';

/** Nothing but files and answers of this server is loaded, and nobody puts the page into a frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What routes and requests have beside what the library knows: `open` is a route that answers without a token. */
declare module 'fastify' {
  interface FastifyRequest {
    /** Whoever asks has said the token, or none is needed. */
    trusted: boolean;
  }
  interface FastifyContextConfig {
    readonly open?: boolean;
  }
}

/**
 * Lets through what may be answered: reading requests, by a name of this machine where only this machine is served (a
 * page of somebody else's could have a name of its own lead here), with the token where there is one.
 */
export function guard(app: FastifyInstance, { loopback, token }: HttpAddress): void {
  const wanted = token === undefined ? undefined : digest(token);
  app.decorateRequest('trusted', false);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (loopback && !OWN_NAMES.has(hostOf(request))) {
      return refuse(reply, 421, 'this server answers to localhost, 127.0.0.1 and [::1] alone');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      reply.header('allow', 'GET, HEAD');
      return refuse(reply, 405, 'this server can only be read');
    }
    // A page of somebody else's cannot read an answer, and could still ask without end.
    if (request.headers['sec-fetch-site'] === 'cross-site') {
      return refuse(reply, 403, 'this server answers to its own page and to programs');
    }
    request.trusted = wanted === undefined || timingSafeEqual(digest(bearerOf(request)), wanted);
    if (!request.trusted && request.routeOptions.config.open !== true) {
      reply.header('www-authenticate', 'Bearer realm="temporal-vacuum"');
      return refuse(reply, 401, 'say the token of this server: Authorization: Bearer TOKEN');
    }
    return undefined;
  });
}

/** Without the port: what leads here may listen on another. */
function hostOf({ headers }: FastifyRequest): string {
  return (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

function bearerOf({ headers }: FastifyRequest): string {
  return /^Bearer +(?<token>\S+) *$/i.exec(headers.authorization ?? '')?.groups?.['token'] ?? '';
}

/** Of one length, so that comparing them takes one time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function refuse(reply: FastifyReply, code: number, error: string): Promise<FastifyReply> {
  return reply.code(code).send({ error });
}
