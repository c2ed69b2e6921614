import { sql } from 'kysely';

import type { Facts } from '../facts.ts';
import { readCatalog, readTable } from './catalog.ts';
import type { Connection } from './connection.ts';
import { findUnsupported } from './engines.ts';
import { readPostgresError } from './errors.ts';
import { fingerprintSql } from './fingerprints.ts';
import { readServer } from './server.ts';
import { tryAndUndo } from './transaction.ts';

/** What PostgreSQL says of itself. */
export function createFacts(connection: Connection): Facts {
  return {
    readServer: async () => readServer(connection),

    findUnsupported: async () => findUnsupported(connection),

    async readIdentity() {
      const { rows } = await sql<{ oid: string }>`
        select oid::text as oid from pg_database where datname = current_database()`.execute(connection.db);
      return { systemIdentifier: await readSystemIdentifier(connection), databaseOid: rows[0]?.oid ?? '' };
    },

    async readClock() {
      const { rows } = await sql<{ now: number }>`
        select (1000 * extract(epoch from clock_timestamp()))::float8 as now`.execute(connection.db);
      return rows[0]?.now ?? Number.NaN;
    },

    readCatalog: async (wanted) => readCatalog(connection, wanted),

    async readFingerprints(lists) {
      const { rows } = await sql<{ fingerprints: string[] }>`
        select array[${sql.join(lists.map(fingerprintSql))}]::text[] as fingerprints`.execute(connection.db);
      return rows[0]?.fingerprints ?? [];
    },

    readTable: async (table) => readTable(connection, table),
  };
}

/** A managed server may not tell. */
async function readSystemIdentifier(connection: Connection): Promise<string | null> {
  const { db } = connection;
  try {
    const { rows } = await tryAndUndo(db, async () =>
      sql<{ id: string }>`select system_identifier::text as id from pg_control_system()`.execute(db),
    );
    return rows[0]?.id ?? null;
  } catch (error) {
    if (readPostgresError(error)?.verdict !== 'stop') throw error;
    return null;
  }
}
