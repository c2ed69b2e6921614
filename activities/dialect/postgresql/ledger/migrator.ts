import { sql } from 'kysely';

import type { Connection } from '../connection.ts';
import { CreateLedger } from './migration.ts';

/** A newer version adds to the end. */
const MIGRATIONS = [
  { name: '001-ledger', list: (schema: string): readonly string[] => new CreateLedger().list(schema) },
];

export const MIGRATION_NAMES: readonly string[] = MIGRATIONS.map(({ name }) => name);

/** Runs the migrations that the database lacks, in the transaction of the connection: there is either the whole ledger or none. */
export async function runMigrations({ db, ledgerSchema }: Connection): Promise<void> {
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
    for (const statement of list(ledgerSchema)) await sql.raw(statement).execute(db);
    await sql`insert into ${table} (name) values (${name})`.execute(db);
  }
}
