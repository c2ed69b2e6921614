import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { BlockList, createServer, isIPv6 } from 'node:net';

import type { Issue } from '../../policy/issue.ts';
import { assertValid } from '../../policy/issue.ts';

/** The address of the server and who may read it. */
export interface HttpAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Whether only this machine can reach the host. */
  readonly loopback: boolean;
  /** The bearer token of each request. Undefined if requests need none. */
  readonly token: string | undefined;
}

/** The variable with the token. It is no option of the command line, because all users of a machine can read those. */
export const TOKEN_VARIABLE = 'VACUUM_HTTP_TOKEN';

const ADDRESS = /^(?:(?<name>[^\s:[\]]+)|\[(?<ip6>[\da-fA-F:.]+)\]):(?<port>\d{1,5})$/;
/** 24 characters of hexadecimal digits are 96 random bits. */
const LEAST_TOKEN = 24;
const TOKEN = /^[\x21-\x7e]+$/;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Reads `HOST:PORT` and the token in `VACUUM_HTTP_TOKEN` of the environment, and checks that the port is free. A host
 * that other machines can reach needs a token. Throws a `ValidationError` with everything that is wrong.
 */
export async function resolveHttpAddress(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<HttpAddress> {
  const mistakes: Issue[] = [];
  // A variable that is there and empty is what is left of one that was meant.
  const token = environment[TOKEN_VARIABLE];
  if (token !== undefined) mistakes.push(...checkToken(token));
  const where = parse(text);
  if (where === undefined) mistakes.push(badAddress(`${JSON.stringify(text)} is not a host and a port`));
  const loopback = where === undefined ? undefined : await isLoopback(where.host);
  if (where !== undefined) {
    if (loopback === undefined) mistakes.push(badAddress(`there is no host ${where.host}`));
    if (loopback === false && token === undefined) mistakes.push(noToken(where.host));
    const refused = loopback === undefined ? undefined : await refusedBy(where);
    if (refused !== undefined) mistakes.push(badAddress(`nothing can be served on ${text}: ${refused}`));
  }
  assertValid('command', mistakes);
  return { host: '', port: 0, ...where, loopback: loopback === true, token };
}

/** Formats the URL of a host and a port. */
export function formatUrl(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** What is wrong where the port was free a moment ago and is not any more. */
export function badAddress(what: string): Issue {
  return {
    at: '--http',
    what,
    fix: 'Name an address of this machine and a port that nobody listens on, such as 127.0.0.1:8089',
  };
}

function parse(text: string): { readonly host: string; readonly port: number } | undefined {
  const { name, ip6, port } = ADDRESS.exec(text)?.groups ?? {};
  const host = name ?? ip6;
  if (host === undefined || port === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}

function checkToken(token: string): Issue[] {
  const fix = 'Make one with `openssl rand -hex 24`';
  const at = TOKEN_VARIABLE;
  if (token.length < LEAST_TOKEN)
    return [{ at, what: `it has less than ${LEAST_TOKEN} characters, which can be guessed`, fix }];
  if (!TOKEN.test(token))
    return [{ at, what: 'it has spaces or other characters that a header cannot carry', fix }];
  return [];
}

function noToken(host: string): Issue {
  return {
    at: TOKEN_VARIABLE,
    what: `others can reach ${host}, and no token says who may look`,
    fix: `Put one into it, made with \`openssl rand -hex 24\`, or serve on 127.0.0.1`,
  };
}

/** Whether all addresses of a host are of this machine alone; undefined where it has none. */
async function isLoopback(host: string): Promise<boolean | undefined> {
  try {
    const found = await lookup(host, { all: true });
    return found.every(({ address, family }) => LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4'));
  } catch {
    return undefined;
  }
}

/** Why nothing can listen there; undefined where it can. */
async function refusedBy({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    const closed = once(server, 'close');
    server.close();
    await closed;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
