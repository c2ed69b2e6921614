import { connect } from 'node:net';

import type { ConnectionOptions } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';

import { TemporalUnreachable } from './temporal-unreachable.ts';

/** The options of a connection to Temporal. */
export interface TemporalOptions {
  /** Default: `TEMPORAL_ADDRESS` or the profile of `temporal.toml`, else `localhost:7233`. */
  readonly address?: string | undefined;
  /** Default: `TEMPORAL_NAMESPACE` or the profile of `temporal.toml`, else `default`. */
  readonly namespace?: string | undefined;
  /** Whether this process started the server. Then environment and `temporal.toml` do not apply. */
  readonly own?: boolean | undefined;
}

/** A client of Temporal with its connection. */
export interface TemporalClient {
  readonly client: Client;
  readonly address: string;
  close(): Promise<void>;
}

/** Connects a client. The options override the environment, which overrides `temporal.toml`. */
export async function connectClient(
  options: TemporalOptions,
  connectTimeout: NonNullable<ConnectionOptions['connectTimeout']> = '10s',
): Promise<TemporalClient> {
  const { namespace, connection: connectionOptions, address } = loadSettings(options);
  try {
    await assertNotRefused(address);
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout });
    return { client: new Client({ connection, namespace }), address, close: async () => connection.close() };
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}

/** Connects a worker in the same way. */
export async function connectWorker(
  options: TemporalOptions,
): Promise<{ connection: NativeConnection; namespace: string; address: string }> {
  const { namespace, connection, address } = loadSettings(options);
  try {
    await assertNotRefused(address);
    // Only workers load it: clients start sooner without.
    const { NativeConnection } = await import('@temporalio/worker');
    return { connection: await NativeConnection.connect(connection), namespace, address };
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
}

function loadSettings(options: TemporalOptions): {
  namespace: string;
  address: string;
  connection: NativeConnectionOptions & ConnectionOptions;
} {
  if (options.own === true) {
    const { address = '', namespace = 'default' } = options;
    return { namespace, address, connection: { address } };
  }
  const config = loadClientConnectConfig();
  const { address: configured, apiKey, tls, metadata } = config.connectionOptions;
  const address = options.address ?? configured ?? 'localhost:7233';
  const key = typeof apiKey === 'string' ? { apiKey } : {};
  return {
    namespace: options.namespace ?? config.namespace ?? 'default',
    address,
    connection: {
      address,
      ...key,
      ...(tls === undefined || tls === null ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
    },
  };
}

const HOST_AND_PORT = /^(?<host>[\w.-]+|\[[\da-f:]+\]):(?<port>\d+)$/i;
/** gRPC reaches its server through these. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
/** A server that does not refuse gets the rest of the caller's time, in milliseconds. */
const WAIT_MILLIS = 2_000;

/**
 * Throws at once if the server refuses connections or its name is not known. The client of Temporal would try for as long as it
 * may, and not say why it failed.
 */
async function assertNotRefused(address: string): Promise<void> {
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
