import type { MikroORM } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
// The very class that MikroORM recognizes when the migrator hands it an instance.
import { Kysely } from '@mikro-orm/sql';
import type { Kysely as KyselyType, PostgresPool } from 'kysely';
import { PostgresDialect } from 'kysely';
import type { Pool } from 'pg';

import type { ConnectedSession } from '../dialect.ts';
import type { Connection } from './connection.ts';
import { HostPool, surviveLostSessions } from './pool.ts';
import { PostgresSession } from './session.ts';

/** An open database, or where it is. What is given open stays open: who opened it closes it. */
export type GivenDatabase = string | Pool | MikroORM;

/** Opens a PostgreSQL database. Connects only when it is first used. `maxSessions` is for a URL. */
export function connectPostgres(
  given: GivenDatabase,
  ledgerSchema: string,
  maxSessions: number,
): ConnectedSession {
  if (typeof given === 'string') {
    const pool = new HostPool(given, maxSessions);
    return toConnectedSession({ db: overPool(pool), ledgerSchema }, async () => pool.end());
  }
  if (isMikroOrm(given)) {
    const em = given.em as unknown as SqlEntityManager;
    return toConnectedSession({ db: em.getKysely(), ledgerSchema, orm: given });
  }
  surviveLostSessions(given);
  return toConnectedSession({ db: overPool(given), ledgerSchema });
}

function overPool(pool: PostgresPool): KyselyType<unknown> {
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

function toConnectedSession(
  connection: Connection,
  close: () => Promise<void> = async () => undefined,
): ConnectedSession {
  return { session: new PostgresSession(connection), close };
}

function isMikroOrm(given: Pool | MikroORM): given is MikroORM {
  return 'em' in given && 'getMetadata' in given;
}
