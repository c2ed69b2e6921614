import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { Catalog, WantedTable, CatalogTable } from '../catalog.ts';
import type { Facts, Identity, Server } from '../facts.ts';
import { readCatalog, readTable } from './catalog.ts';
import type { Connection } from './connection.ts';
import { readPostgresError } from './errors.ts';
import { fingerprintSql } from './fingerprints.ts';
import { tryAndUndo } from './transaction.ts';

/** The oldest PostgreSQL that is tested. TID range scans came with it. */
const OLDEST_VERSION = 14;

/** What rows a transaction deleted, cascades included, is known from the server's own counters. */
const NO_COUNTS = {
  what: 'it does not count what is deleted (track_counts is off), so that no run could be accounted for',
  fix: 'Set track_counts = on, which autovacuum needs as well',
};
const REPLICA = {
  what: 'no foreign key does anything in sessions of its role (session_replication_role is replica), so that rows would be left that reference others that are deleted',
  fix: 'Use another role, or reset it: alter role ... reset session_replication_role',
};

interface ServerRow {
  readonly version: number;
  readonly role: string;
  readonly now: string;
  readonly counts: boolean;
  readonly replica: boolean;
}

/** What PostgreSQL says of itself. */
export class PostgresFacts implements Facts {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async readServer(): Promise<Server> {
    const { rows } = await sql<ServerRow>`
      select
        current_setting('server_version_num')::int / 10000 as version,
        current_user as role,
        to_json(now()) #>> '{}' as now,
        current_setting('track_counts')::boolean as counts,
        current_setting('session_replication_role') = 'replica' as replica`.execute(this.#connection.db);
    const { version, role, now, counts, replica } = rows[0] as ServerRow;
    return {
      product: `PostgreSQL ${version}`,
      role,
      now,
      problems: [...(counts ? [] : [NO_COUNTS]), ...(replica ? [REPLICA] : [])],
      tooOld: version < OLDEST_VERSION ? `PostgreSQL ${OLDEST_VERSION}` : null,
      ignoresForeignKeys: replica,
    };
  }

  async readIdentity(): Promise<Identity> {
    const { rows } = await sql<{ oid: string }>`
      select oid::text as oid from pg_database where datname = current_database()`.execute(
      this.#connection.db,
    );
    return { systemIdentifier: await this.#readSystemIdentifier(), databaseOid: rows[0]?.oid ?? '' };
  }

  async readClock(): Promise<number> {
    const { rows } = await sql<{ now: number }>`
      select (1000 * extract(epoch from clock_timestamp()))::float8 as now`.execute(this.#connection.db);
    return rows[0]?.now ?? Number.NaN;
  }

  async readCatalog(wanted: readonly WantedTable[]): Promise<Catalog> {
    return readCatalog(this.#connection, wanted);
  }

  async readFingerprints(lists: readonly (readonly TableName[])[]): Promise<readonly string[]> {
    const { rows } = await sql<{ fingerprints: string[] }>`
      select array[${sql.join(lists.map(fingerprintSql))}]::text[] as fingerprints`.execute(
      this.#connection.db,
    );
    return rows[0]?.fingerprints ?? [];
  }

  async readTable(table: TableName): Promise<CatalogTable | undefined> {
    return readTable(this.#connection, table);
  }

  /** A managed server may not tell. */
  async #readSystemIdentifier(): Promise<string | null> {
    const { db } = this.#connection;
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
}
