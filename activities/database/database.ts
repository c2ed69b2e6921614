import type { MikroORM } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
// The very class that MikroORM recognizes when the ledger hands it an instance.
import { Kysely } from '@mikro-orm/sql';
import type { Kysely as KyselyType } from 'kysely';
import { PostgresDialect } from 'kysely';
import type { ClientBase } from 'pg';
import { Pool } from 'pg';

import { Ledger } from '../ledger/ledger.ts';
import { toPgUrl } from './url.ts';

/** How a worker is given a database: a URL, a pool of `pg`, a MikroORM instance, or a function that makes one. */
export type DatabaseSource = GivenDatabase | (() => GivenDatabase | Promise<GivenDatabase>);

/** An open database, or where it is. What is given open stays open: who opened it closes it. */
export type GivenDatabase = string | Pool | MikroORM;

/** A database that policies clean, with its ledger. */
export interface Database {
  readonly db: KyselyType<unknown>;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

/** Sessions of one worker: two shards of a few policies, the ledger and what cancels them. */
const MOST_SESSIONS = 10;

/**
 * Opens a database. Connects only when it is first used. `mostSessions` is for one that is given as a URL: a pool that
 * is given has limits of its own.
 */
export async function openDatabase(
  source: DatabaseSource,
  ledgerSchema?: string,
  mostSessions = MOST_SESSIONS,
): Promise<Database> {
  const given = typeof source === 'function' ? await source() : source;
  if (typeof given === 'string') {
    const pool = openPool(given, mostSessions);
    return databaseOver(overPool(pool), ledgerSchema, async () => pool.end());
  }
  if (isMikroOrm(given)) {
    const em = given.em as unknown as SqlEntityManager;
    return databaseOver(em.getKysely(), ledgerSchema);
  }
  surviveLostSessions(given);
  return databaseOver(overPool(given), ledgerSchema);
}

function openPool(url: string, mostSessions: number): Pool {
  const pool = new Pool({
    connectionString: toPgUrl(url),
    application_name: 'temporal-vacuum',
    max: mostSessions,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    onConnect: wantIsoDates,
  });
  surviveLostSessions(pool);
  return pool;
}

/** `pg` reads dates in no other style; a database or a role may be set to another. The pool waits for what is answered. */
function wantIsoDates(client: ClientBase): unknown {
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

function databaseOver(
  db: KyselyType<unknown>,
  ledgerSchema: string | undefined,
  close: () => Promise<void> = async () => undefined,
): Database {
  return { db, ledger: new Ledger(db, ledgerSchema), close };
}

function isMikroOrm(given: Pool | MikroORM): given is MikroORM {
  return 'em' in given && 'getMetadata' in given;
}
