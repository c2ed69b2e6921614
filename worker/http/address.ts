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
const MIN_TOKEN_LENGTH = 24;
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
  const issues: Issue[] = [];
  // An empty variable is a token that got lost, so it is an issue.
  const token = environment[TOKEN_VARIABLE];
  if (token !== undefined) issues.push(...checkToken(token));
  const address = parse(text);
  if (address === undefined)
    issues.push(describeBadAddress(`${JSON.stringify(text)} is not a host and a port`));
  const loopback = address === undefined ? undefined : await isLoopback(address.host);
  if (address !== undefined) {
    if (loopback === undefined) issues.push(describeBadAddress(`there is no host ${address.host}`));
    if (loopback === false && token === undefined) issues.push(describeMissingToken(address.host));
    const refused = loopback === undefined ? undefined : await findListenError(address);
    if (refused !== undefined)
      issues.push(describeBadAddress(`nothing can be served on ${text}: ${refused}`));
  }
  assertValid('command', issues);
  return { host: '', port: 0, ...address, loopback: loopback === true, token };
}

/** Formats the URL of a host and a port. */
export function formatUrl(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Describes why the server cannot listen on an address. */
export function describeBadAddress(what: string): Issue {
  return {
    at: '--http',
    what,
    fix: 'Name an address of this machine and a free port, such as 127.0.0.1:8089',
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
  if (token.length < MIN_TOKEN_LENGTH)
    return [{ at, what: `it has less than ${MIN_TOKEN_LENGTH} characters and can be guessed`, fix }];
  if (!TOKEN.test(token))
    return [{ at, what: 'it has spaces or other characters that a header cannot carry', fix }];
  return [];
}

function describeMissingToken(host: string): Issue {
  return {
    at: TOKEN_VARIABLE,
    what: `other machines can reach ${host}, and there is no token`,
    fix: `Set it to a token from \`openssl rand -hex 24\`, or serve on 127.0.0.1`,
  };
}

/** Whether all addresses of a host are loopback addresses. Undefined if it has none. */
async function isLoopback(host: string): Promise<boolean | undefined> {
  try {
    const found = await lookup(host, { all: true });
    return found.every(({ address, family }) => LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4'));
  } catch {
    return undefined;
  }
}

/** Returns why nothing can listen there. Undefined if something can. */
async function findListenError({
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
