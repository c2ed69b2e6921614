import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { ClientBase } from 'pg';
import { Client, Pool } from 'pg';

import { readPostgresError } from './errors.ts';
import type { WantedServer } from './hosts.ts';
import { findServers } from './hosts.ts';

/**
 * Sessions on the first host of a URL that takes them, tried in their order, from the one that did last. Connects only when
 * it is first used.
 */
export class HostPool implements PostgresPool {
  readonly #pools: readonly Pool[];
  #current = 0;

  constructor(url: string, maxSessions: number) {
    const { urls, wanted } = findServers(url);
    this.#pools = urls.map((own) => openPool(own, maxSessions, wanted));
  }

  /** The settings of the sessions that it opens now. */
  get options(): object {
    return this.#pools[this.#current]?.options ?? {};
  }

  async connect(): Promise<PostgresPoolClient> {
    const errors: unknown[] = [];
    for (let tries = 0; tries < this.#pools.length; tries += 1) {
      const index = (this.#current + tries) % this.#pools.length;
      try {
        const client = await this.#pools[index]?.connect();
        if (client === undefined) continue;
        this.#current = index;
        return client;
      } catch (error) {
        errors.push(error);
        // Who is refused here is not let in elsewhere, and the reason would be hidden by that of the next host.
        if (readPostgresError(error)?.verdict === 'stop') throw error;
      }
    }
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'no host of the URL takes sessions');
  }

  async end(): Promise<void> {
    await Promise.all(this.#pools.map(async (pool) => pool.end()));
  }
}

/**
 * Ends its connection if it cannot be used. Without a password `pg` gives up and leaves the server waiting for one: for a minute
 * (`authentication_timeout`), in which the process could not end.
 */
class EndingClient extends Client {
  override connect(): Promise<Client>;
  override connect(callback: ((error: Error) => void) | ((error: null, client: Client) => void)): void;
  override connect(callback?: (error: never, client: Client) => void): Promise<Client> | undefined {
    const connecting = super.connect().catch((error: unknown) => {
      void this.end().catch(() => undefined);
      throw error;
    });
    if (callback === undefined) return connecting;
    const call = callback as (error: unknown, client?: Client) => void;
    void connecting.then((client) => call(null, client), call);
    return undefined;
  }
}

function openPool(url: string, maxSessions: number, wanted: WantedServer): Pool {
  const pool = new Pool({
    Client: EndingClient,
    connectionString: url,
    application_name: 'temporal-vacuum',
    max: maxSessions,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // The pool waits for the promise, and a session whose check fails is closed.
    onConnect: (client: ClientBase): unknown => prepare(client, wanted),
  });
  surviveLostSessions(pool);
  return pool;
}

async function prepare(client: ClientBase, wanted: WantedServer): Promise<void> {
  // `pg` reads dates in no other style; a database or a role may be set to another.
  await client.query('set datestyle to iso');
  if (wanted === 'any') return;
  const isUsable =
    wanted === 'primary' ? 'not pg_is_in_recovery()' : `current_setting('transaction_read_only') = 'off'`;
  const { rows } = await client.query<{ usable: boolean }>(`select ${isUsable} as usable`);
  if (rows[0]?.usable !== true)
    throw Object.assign(new Error('the server is not writable'), { code: '25006' });
}

/** A session that is lost is replaced at its next use; without listeners it would end the process. */
export function surviveLostSessions(pool: Pool): void {
  const known = new WeakSet<object>();
  pool.on('error', () => undefined);
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('error', () => undefined);
  });
}
