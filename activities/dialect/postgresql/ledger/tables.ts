import { sql } from 'kysely';

import type { LedgerTables } from '../../ledger-store.ts';
import { lockKey } from '../advisory-locks.ts';
import type { Connection } from '../connection.ts';
import { LEDGER_TABLES } from '../connection.ts';
import { inTransaction } from '../transaction.ts';
import { createLedger } from './migration.ts';

const CREATE_LIMITS = { lockMillis: 60_000, statementMillis: 60_000 };

/** The tables of the ledger themselves. */
export function createLedgerTables(connection: Connection): LedgerTables {
  return {
    async readVersion() {
      const { ledgerSchema } = connection;
      const { rows } = await sql<{ exists: boolean; open: boolean }>`
        select
          c.oid is not null as exists,
          c.oid is null or (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as open
        from (select 1) as one
        left join pg_namespace as n on n.nspname = ${ledgerSchema}
        left join pg_class as c on c.relnamespace = n.oid and c.relname = 'migration'`.execute(connection.db);
      if (rows[0]?.exists !== true) return 'missing';
      if (!rows[0].open) return 'closed';
      const { rows: applied } = await sql<{ name: string }>`
        select name from ${sql.id(ledgerSchema, 'migration')}`.execute(connection.db);
      const names = new Set(applied.map((row) => row.name));
      if ([...names].some((name) => !MIGRATION_NAMES.includes(name))) return 'newer';
      return MIGRATION_NAMES.every((name) => names.has(name)) ? 'current' : 'old';
    },

    async create(turnKey) {
      await inTransaction(connection.db, CREATE_LIMITS, async (tx) => {
        const locked = { ...connection, db: tx };
        // Workers that start together take turns.
        await lockKey(locked, turnKey);
        const version = await this.readVersion();
        if (version !== 'current' && version !== 'newer') await runMigrations(locked);
      });
    },

    async canCreate() {
      const { ledgerSchema } = connection;
      const { rows } = await sql<{ can: boolean }>`
        select case
          when exists (select from pg_namespace where nspname = ${ledgerSchema})
            then has_schema_privilege(${ledgerSchema}, 'create')
          else has_database_privilege(current_database(), 'create')
        end as can`.execute(connection.db);
      return rows[0]?.can === true;
    },

    async findClosed() {
      const { rows } = await sql<{ name: string }>`
        select c.relname as name
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        cross join unnest(array['select', 'insert', 'update', 'delete']) as p(privilege)
        where n.nspname = ${connection.ledgerSchema} and c.relname = any(${[...LEDGER_TABLES]}::text[])
        group by c.relname
        having not bool_and(has_table_privilege(c.oid, p.privilege))
        order by c.relname`.execute(connection.db);
      return rows.map((row) => row.name);
    },
  };
}

/** A newer version adds to the end. */
const MIGRATIONS = [{ name: '001-ledger', list: createLedger }];

const MIGRATION_NAMES: readonly string[] = MIGRATIONS.map(({ name }) => name);

/** Runs the migrations that the database lacks, in the transaction of the connection: there is either the whole ledger or none. */
async function runMigrations({ db, ledgerSchema }: Connection): Promise<void> {
  const { rows } = await sql`select from pg_namespace where nspname = ${ledgerSchema}`.execute(db);
  // Whoever may create in a schema may not always create one, and `if not exists` asks for that in any case.
  if (rows.length === 0) await sql`create schema ${sql.id(ledgerSchema)}`.execute(db);
  const table = sql.id(ledgerSchema, 'migration');
  await sql`
    create table if not exists ${table} (
      id serial primary key, name varchar(255) not null, executed_at timestamptz not null default current_timestamp)`.execute(
    db,
  );
  const { rows: applied } = await sql<{ name: string }>`select name from ${table}`.execute(db);
  for (const { name, list } of MIGRATIONS) {
    if (applied.some((row) => row.name === name)) continue;
    await sql.raw(list(ledgerSchema).join(';\n')).execute(db);
    await sql`insert into ${table} (name) values (${name})`.execute(db);
  }
}
