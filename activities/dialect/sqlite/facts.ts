import { statSync } from 'node:fs';
import { userInfo } from 'node:os';

import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { Catalog, CatalogTable, WantedTable } from '../catalog.ts';
import type { Facts, Fingerprinted, Identity, Server } from '../facts.ts';
import { readCatalog, readTable } from './catalog.ts';
import type { Connection } from './connection.ts';
import { readFingerprint } from './fingerprints.ts';

/** What SQLite says of itself and of its file. */
export class SqliteFacts implements Facts {
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  async readServer(): Promise<Server> {
    const { rows } = await this.#connection.run(sql<{ version: string; keys: number }>`
      select sqlite_version() as version, foreign_keys as keys from pragma_foreign_keys`);
    const { version = '', keys = 0 } = rows[0] ?? {};
    return {
      product: `SQLite ${version}`,
      role: userInfo().username,
      now: new Date().toISOString(),
      problems: [],
      tooOld: null,
      advice: [],
      ignoresForeignKeys: keys !== 1,
    };
  }

  /** What cannot be used is refused when the file is opened. */
  async findUnsupported(): Promise<undefined> {
    await this.readClock();
  }

  async readFingerprints(lists: readonly Fingerprinted[]): Promise<readonly string[]> {
    const fingerprints: string[] = [];
    for (const { tables } of lists) fingerprints.push(await readFingerprint(this.#connection, tables));
    return fingerprints;
  }

  /** A copy of the file, as a backup is, has another inode. One that is copied into the file keeps it. */
  async readIdentity(): Promise<Identity> {
    const { ino, birthtimeMs } = statSync(this.#path, { bigint: true });
    return { systemIdentifier: null, databaseOid: `${ino}:${birthtimeMs}` };
  }

  async readClock(): Promise<number> {
    const { rows } = await this.#connection.run(sql<{ now: number }>`
      select cast(round(1000 * unixepoch('now', 'subsec')) as integer) as now`);
    return rows[0]?.now ?? Number.NaN;
  }

  async readCatalog(wanted: readonly WantedTable[]): Promise<Catalog> {
    return readCatalog(this.#connection, wanted);
  }

  async readTable(table: TableName): Promise<CatalogTable | undefined> {
    return readTable(this.#connection, table);
  }
}
