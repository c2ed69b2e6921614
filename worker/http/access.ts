import { createHash, timingSafeEqual } from 'node:crypto';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { HttpAddress } from './address.ts';

/** The page loads only files and responses of this server, and no other page may put it into a frame. */
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

/** Our fields of requests and routes. An `open` route needs no token, a `steers` route always needs one. */
declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the request has the token, or needs none. */
    trusted: boolean;
  }
  interface FastifyContextConfig {
    readonly open?: boolean;
    /** Whether the route changes how a run proceeds. */
    readonly steers?: boolean;
  }
}

const NO_TOKEN =
  'this server only reads, because it was started without a token: set VACUUM_HTTP_TOKEN and start the worker again, ' +
  'or use the commands `temporal-vacuum pause`, `resume` and `stop`';

/**
 * Refuses requests without the token if there is one, and requests that change something if there is none or if their
 * route is not made for it. On loopback it also refuses
 * other host names than those of this machine, because a foreign page may point its own name here (DNS rebinding).
 */
export function restrictAccess(app: FastifyInstance, { loopback, token }: HttpAddress): void {
  const expected = token === undefined ? undefined : digest(token);
  app.decorateRequest('trusted', false);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (loopback && !OWN_NAMES.has(readHost(request))) {
      return refuse(reply, 421, 'this server only accepts the hosts localhost, 127.0.0.1 and [::1]');
    }
    const { steers = false } = request.routeOptions.config;
    if (request.method !== 'GET' && request.method !== 'HEAD' && !steers) {
      reply.header('allow', 'GET, HEAD');
      return refuse(reply, 405, 'this path can only be read');
    }
    // A foreign page cannot read a response, but could send requests without end.
    if (request.headers['sec-fetch-site'] === 'cross-site') {
      return refuse(reply, 403, 'this server only accepts requests of its own page and of programs');
    }
    // Without a token, any program of the machine and any page that gets round the checks above could stop runs.
    if (steers && expected === undefined) return refuse(reply, 403, NO_TOKEN);
    request.trusted = expected === undefined || timingSafeEqual(digest(readToken(request)), expected);
    if (!request.trusted && request.routeOptions.config.open !== true) {
      reply.header('www-authenticate', 'Bearer realm="temporal-vacuum"');
      return refuse(reply, 401, 'the token of this server is missing or wrong: Authorization: Bearer TOKEN');
    }
    return undefined;
  });
}

/** Leaves out the port, because a proxy may listen on another. */
function readHost({ headers }: FastifyRequest): string {
  return (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

function readToken({ headers }: FastifyRequest): string {
  return /^Bearer +(?<token>\S+) *$/i.exec(headers.authorization ?? '')?.groups?.['token'] ?? '';
}

/** Digests have one length, so that a comparison always takes the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function refuse(reply: FastifyReply, code: number, error: string): Promise<FastifyReply> {
  return reply.code(code).send({ error });
}
