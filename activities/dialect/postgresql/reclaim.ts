import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { ReclaimMode } from '../../../policy/reclaim-space.ts';
import type { TableName } from '../../stored/columns.ts';
import type { Reclaim, ReclaimEntry, ReclaimSession } from '../reclaim.ts';
import type { Sizes } from '../sizes.ts';
import type { TransactionLimits } from '../transaction-limits.ts';
import { cancelOn } from './cancel.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { qualifiedName, relationRef } from './identifiers.ts';
import { isPooledByTransaction } from './pooler.ts';
import { reindexTable } from './reindex.ts';
import { createSizes } from './sizes.ts';
import { CHECK_CLIENT } from './transaction.ts';

/** What a session of ours sets, to be restored before it goes back to a pool that is not ours. */
const SETTINGS = [
  'lock_timeout',
  'statement_timeout',
  'idle_session_timeout',
  'transaction_timeout',
  'client_connection_check_interval',
] as const;

type Work = (db: Kysely<unknown>, table: TableName) => Promise<unknown>;

const MODES: { readonly [M in ReclaimMode]: Work } = {
  vacuum: async (db, table) => sql`vacuum (analyze) ${relationRef(table)}`.execute(db),
  full: async (db, table) => sql`vacuum (full, analyze) ${relationRef(table)}`.execute(db),
  reindex: reindexTable,
};

/**
 * Gives space of tables back. Behind a pooler that hands out transactions there is no such thing as a session, and these
 * statements fail or lose their limits.
 */
export class PostgresReclaim implements Reclaim {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async findProblem(): Promise<{ what: string; fix: string } | undefined> {
    if (!(await isPooledByTransaction(this.#connection.db))) return undefined;
    return {
      what: 'a pooler hands out the sessions of the server for one transaction each, and giving space back needs a session of its own',
      fix: 'Give the policy a database with a URL around the pooler, or leave its reclaimSpace passes out',
    };
  }

  async run<T>(work: (session: ReclaimSession) => Promise<T>): Promise<T> {
    const { db: pool, ledgerSchema } = this.#connection;
    return pool.connection().execute(async (db) => {
      const { rows: before } = await sql<{ name: string; value: string }>`
        select name, current_setting(name) as value
        from unnest(${[...SETTINGS]}::text[]) as name
        -- Version 17 has brought one of them.
        where current_setting(name, true) is not null`.execute(db);
      try {
        await sql`
          select set_config(name, '0', false)
          from unnest(array['idle_session_timeout', 'transaction_timeout']) as name
          where current_setting(name, true) is not null`.execute(db);
        // Not every operating system can tell the server.
        await sql`select set_config('client_connection_check_interval', ${CHECK_CLIENT}, false)`
          .execute(db)
          .catch(() => undefined);
        return await work(new PostgresReclaimSession({ db, ledgerSchema }, pool));
      } finally {
        // A session that was lost has nothing to restore, and its pool discards it.
        await restore(db, before).catch(() => undefined);
      }
    });
  }
}

class PostgresReclaimSession implements ReclaimSession {
  readonly #connection: Connection;
  readonly #pool: Kysely<unknown>;
  readonly sizes: Sizes;

  constructor(connection: Connection, pool: Kysely<unknown>) {
    this.#connection = connection;
    this.#pool = pool;
    this.sizes = createSizes(connection);
  }

  async limit({ lockMillis, statementMillis }: TransactionLimits): Promise<void> {
    await sql`
      select
        set_config('lock_timeout', ${`${Math.round(lockMillis)}ms`}, false),
        set_config('statement_timeout', ${`${Math.round(statementMillis)}ms`}, false)`.execute(
      this.#connection.db,
    );
  }

  async tryToOwn(table: TableName, run: number): Promise<boolean> {
    const key = ['temporal-vacuum', this.#connection.ledgerSchema, 'reclaim', qualifiedName(table)].join(' ');
    const { rows } = await sql<{ owned: boolean }>`
      select pg_try_advisory_lock(hashtextextended(${key}, 0)) as owned`.execute(this.#connection.db);
    if (rows[0]?.owned === true) return true;
    await endEarlierAttempts(this.#connection, run, key);
    return false;
  }

  async recordStart({ run, pass, table, mode }: ReclaimEntry, bytes: number): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      insert into ${ledgerTable(this.#connection, 'reclaim')}
        (run_id, pass, label, mode, event, bytes, pid, backend_start)
      select ${run}, ${pass}, ${table.label}, ${mode}, 'started', ${bytes}, a.pid, a.backend_start
      from pg_stat_activity as a
      where a.pid = pg_backend_pid()
      returning id`.execute(this.#connection.db);
    return rows[0]?.id ?? 0;
  }

  async reclaim(mode: ReclaimMode, table: TableName, signal: AbortSignal): Promise<void> {
    const { db } = this.#connection;
    await cancelOn(signal, this.#pool, db, async () => MODES[mode](db, table));
  }
}

/**
 * Ends the session of an earlier attempt: Temporal has given it up, or its run is closed, and its statement may go on for
 * hours without a client. One of another open run goes on.
 */
async function endEarlierAttempts(connection: Connection, run: number, key: string): Promise<void> {
  await sql`
    select pg_terminate_backend(a.pid)
    from (select hashtextextended(${key}, 0) as key) as k
    join pg_locks as l
      on l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295
    join pg_stat_activity as a on a.pid = l.pid and a.datname = current_database()
    cross join lateral (
      select s.run_id
      from ${ledgerTable(connection, 'reclaim')} as s
      where s.pid = a.pid and s.backend_start = a.backend_start
      order by s.id desc
      limit 1
    ) as own
    join ${ledgerTable(connection, 'run')} as r on r.id = own.run_id
    where l.database = (select oid from pg_database where datname = current_database())
      and (r.id = ${run} or r.ended_at is not null)`.execute(connection.db);
}

async function restore(
  db: Kysely<unknown>,
  settings: readonly { readonly name: string; readonly value: string }[],
): Promise<void> {
  await sql`
    select set_config(s.name, s.value, false), pg_advisory_unlock_all()
    from unnest(
      ${settings.map(({ name }) => name)}::text[],
      ${settings.map(({ value }) => value)}::text[]) as s(name, value)`.execute(db);
}
