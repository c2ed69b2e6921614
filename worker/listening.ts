import { connect } from 'node:net';

const HOST_AND_PORT = /^(?<host>[\w.-]+|\[[\da-f:]+\]):(?<port>\d+)$/i;
/** gRPC reaches its server through these. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
/** A server that does not refuse gets the rest of the caller's time, in milliseconds. */
const WAIT_MILLIS = 2_000;

/**
 * Throws at once if the server refuses connections or its name is not known. The client of Temporal would try for as long as it
 * may, and not say why it failed.
 */
export async function assertNotRefused(address: string): Promise<void> {
  const { host, port } = HOST_AND_PORT.exec(address)?.groups ?? {};
  const isProxied = PROXIES.some(
    (name) => (process.env[name] ?? process.env[name.toUpperCase()] ?? '') !== '',
  );
  if (host === undefined || port === undefined || isProxied) return;
  // Without the cause: its code is what a database that is away has, too.
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: host.replaceAll(/[[\]]/g, ''), port: Number(port), timeout: WAIT_MILLIS });
    const end = (error?: NodeJS.ErrnoException): void => {
      socket.destroy();
      if (error?.code === 'ECONNREFUSED') reject(new Error('nothing listens there'));
      else if (error?.code === 'ENOTFOUND') reject(new Error('its host is not known'));
      else resolve();
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end());
    socket.once('error', end);
  });
}
