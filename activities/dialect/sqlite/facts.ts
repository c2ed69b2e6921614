import { statSync } from 'node:fs';
import { userInfo } from 'node:os';

import { sql } from 'kysely';

import type { Facts } from '../facts.ts';
import { readCatalog, readTable } from './catalog.ts';
import type { Connection } from './connection.ts';
import { readFingerprint } from './fingerprints.ts';

/** What SQLite says of itself and of its file. */
export function createFacts(connection: Connection, path: string): Facts {
  return {
    async readServer() {
      const { rows } = await connection.run(sql<{ version: string; keys: number }>`
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
    },

    /** What cannot be used is refused when the file is opened. */
    async findUnsupported() {
      await this.readClock();
    },

    async readFingerprints(lists) {
      const fingerprints: string[] = [];
      for (const { tables } of lists) fingerprints.push(await readFingerprint(connection, tables));
      return fingerprints;
    },

    /** A copy of the file, as a backup is, has another inode. One that is copied into the file keeps it. */
    async readIdentity() {
      const { ino, birthtimeMs } = statSync(path, { bigint: true });
      return { systemIdentifier: null, databaseOid: `${ino}:${birthtimeMs}` };
    },

    async readClock() {
      const { rows } = await connection.run(sql<{ now: number }>`
        select cast(round(1000 * unixepoch('now', 'subsec')) as integer) as now`);
      return rows[0]?.now ?? Number.NaN;
    },

    readCatalog: async (wanted) => readCatalog(connection, wanted),

    readTable: async (table) => readTable(connection, table),
  };
}
