import type { MikroORM } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
// The very class that MikroORM recognizes when the migrator hands it an instance.
import { Kysely } from '@mikro-orm/sql';
import type { Kysely as KyselyType } from 'kysely';
import { PostgresDialect } from 'kysely';
import type { ClientBase } from 'pg';
import { Pool } from 'pg';

import type { OpenSession } from '../open-session.ts';
import type { Connection } from './connection.ts';
import { PostgresSession } from './session.ts';
import { toPgUrl } from './url.ts';

/** An open database, or where it is. What is given open stays open: who opened it closes it. */
export type GivenDatabase = string | Pool | MikroORM;

/** Opens a PostgreSQL database. Connects only when it is first used. `maxSessions` is for a URL. */
export function openPostgres(given: GivenDatabase, ledgerSchema: string, maxSessions: number): OpenSession {
  if (typeof given === 'string') {
    const pool = openPool(given, maxSessions);
    return toOpenSession({ db: overPool(pool), ledgerSchema }, async () => pool.end());
  }
  if (isMikroOrm(given)) {
    const em = given.em as unknown as SqlEntityManager;
    return toOpenSession({ db: em.getKysely(), ledgerSchema, orm: given });
  }
  surviveLostSessions(given);
  return toOpenSession({ db: overPool(given), ledgerSchema });
}

function openPool(url: string, maxSessions: number): Pool {
  const pool = new Pool({
    connectionString: toPgUrl(url),
    application_name: 'temporal-vacuum',
    max: maxSessions,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    onConnect: setIsoDates,
  });
  surviveLostSessions(pool);
  return pool;
}

/** `pg` reads dates in no other style; a database or a role may be set to another. The pool waits for the promise. */
function setIsoDates(client: ClientBase): unknown {
  return client.query('set datestyle to iso');
}

/** A session that is lost is replaced at its next use; without listeners it would end the process. */
function surviveLostSessions(pool: Pool): void {
  const known = new WeakSet<object>();
  pool.on('error', () => undefined);
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('error', () => undefined);
  });
}

function overPool(pool: Pool): KyselyType<unknown> {
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

function toOpenSession(
  connection: Connection,
  close: () => Promise<void> = async () => undefined,
): OpenSession {
  return { session: new PostgresSession(connection), close };
}

function isMikroOrm(given: Pool | MikroORM): given is MikroORM {
  return 'em' in given && 'getMetadata' in given;
}
