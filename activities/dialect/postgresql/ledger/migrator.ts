import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { sql } from 'kysely';

import type { Connection } from '../connection.ts';
import { CreateLedger } from './migration.ts';

const MIGRATIONS = [{ name: '001-ledger', class: CreateLedger }];

export const MIGRATION_NAMES: readonly string[] = MIGRATIONS.map(({ name }) => name);

/** Runs the migrations that the database lacks, in sessions of the migrator's own. */
export async function runMigrations({ db, ledgerSchema }: Connection): Promise<void> {
  const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(db);
  const orm = new MikroORM({
    // The migrator creates a database of this name if there is none.
    dbName: rows[0]?.name ?? '',
    ensureDatabase: false,
    schema: ledgerSchema,
    driverOptions: db,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: {
      migrationsList: MIGRATIONS,
      tableName: 'migration',
      snapshot: false,
      transactional: true,
      silent: true,
    },
  });
  await orm.migrator.up();
}
