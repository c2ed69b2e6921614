import { sql } from 'kysely';

import type { LedgerTables, LedgerVersion } from '../../ledger-store.ts';
import type { Connection } from '../connection.ts';
import { LEDGER_TABLES, ledgerTable, ledgerTableName } from '../connection.ts';
import type { SqliteFile } from '../file.ts';
import { MIGRATIONS } from './migration.ts';

const CREATE_LIMITS = { lockMillis: 60_000, statementMillis: 60_000 };

/** The tables of the ledger themselves. */
export function createLedgerTables(connection: Connection, file: SqliteFile): LedgerTables {
  return {
    readVersion: async () => readVersion(connection),

    /** One transaction: there is either the whole ledger or none, and the write lock makes workers take turns. */
    async create() {
      await file.write(CREATE_LIMITS, async (tx) => {
        const migration = ledgerTable(tx, 'migration');
        await tx.run(
          sql`create table if not exists ${migration} (name text primary key, at integer not null)`,
        );
        if ((await readVersion(tx)) === 'newer') return;
        const applied = await readApplied(tx);
        for (const { name, statements } of MIGRATIONS) {
          if (applied.has(name)) continue;
          for (const statement of statements(tx)) await tx.run(statement);
          await tx.run(sql`insert into ${migration} (name, at) values (${name}, ${Date.now()})`);
        }
      });
    },

    canCreate: async () => true,

    findClosed: async () => [],
  };
}

async function readVersion(connection: Connection): Promise<LedgerVersion> {
  const names = JSON.stringify(LEDGER_TABLES.map((name) => ledgerTableName(connection, name)));
  const { rows } = await connection.run(sql<{ name: string }>`
    select name from main.sqlite_schema where type = 'table' and name in (select value from json_each(${names}))`);
  if (!rows.some(({ name }) => name === ledgerTableName(connection, 'migration'))) return 'missing';
  const applied = await readApplied(connection);
  const known = MIGRATIONS.map(({ name }) => name);
  if ([...applied].some((name) => !known.includes(name))) return 'newer';
  return known.every((name) => applied.has(name)) ? 'current' : 'old';
}

async function readApplied(connection: Connection): Promise<ReadonlySet<string>> {
  const { rows } = await connection.run(sql<{ name: string }>`
    select name from ${ledgerTable(connection, 'migration')}`);
  return new Set(rows.map(({ name }) => name));
}
