import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { Catalog, WantedTable, CatalogTable } from '../catalog.ts';
import type { Facts, Fingerprinted, Identity, Server, ServerProblem } from '../facts.ts';
import { readCatalog, readTable } from './catalog.ts';
import type { Connection } from './connection.ts';
import { findUnsupported } from './engines.ts';
import { readPostgresError } from './errors.ts';
import { fingerprintSql } from './fingerprints.ts';
import { readServer } from './server.ts';
import { tryAndUndo } from './transaction.ts';

/** What PostgreSQL says of itself. */
export class PostgresFacts implements Facts {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async readServer(): Promise<Server> {
    return readServer(this.#connection);
  }

  async findUnsupported(): Promise<ServerProblem | undefined> {
    return findUnsupported(this.#connection);
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

  async readFingerprints(lists: readonly Fingerprinted[]): Promise<readonly string[]> {
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
