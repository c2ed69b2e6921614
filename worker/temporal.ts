import type { ConnectionOptions } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnection, NativeConnectionOptions } from '@temporalio/worker';

import { assertNotRefused } from './listening.ts';
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
export async function connectClient(options: TemporalOptions): Promise<TemporalClient> {
  const { namespace, connection: connectionOptions, address } = loadSettings(options);
  try {
    await assertNotRefused(address);
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '10s' });
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
