import { openDatabase } from '../../../activities/ledger/database.ts';
import { createDatabase } from '../database.ts';
import { createFile } from '../sqlite.ts';
import type { GraphDatabase } from './check.ts';
import { RELAYS } from './trouble.ts';

/** All tables that a graph may have. */
const TABLES = ['t0', 't1', 't2', 't3', 't9', 'heir', 'heirs', 'gone', ...RELAYS, 'said'];

export interface OpenDatabase {
  readonly database: GraphDatabase;
  close(): Promise<void>;
}

/** A database with a ledger, for one graph after the other. */
export async function openGraphDatabase(isSqlite: boolean): Promise<OpenDatabase> {
  const made = isSqlite ? createGraphFile() : await createGraphServer();
  const opened = await openDatabase(made.database.url);
  await opened.ledger.migrate();
  await opened.close();
  return made;
}

async function createGraphServer(): Promise<OpenDatabase> {
  const { url, rows, drop } = await createDatabase('template0');
  await rows('create schema ext; create domain ext."Number" as integer check (value > 0)');
  const database: GraphDatabase = {
    url,
    isSqlite: false,
    rows: async (sql) => rows(sql),
    execute: async (sql) => void (await rows(sql)),
    reset: async () =>
      void (await rows(
        `drop table if exists ${TABLES.join(', ')} cascade; delete from vacuum.hold; update vacuum.run set ended_at = now() where ended_at is null`,
      )),
  };
  return { database, close: async () => drop() };
}

function createGraphFile(): OpenDatabase {
  const file = createFile('select 1');
  const tables = TABLES.map((table) => `drop table if exists ${table};`);
  const closed = 'delete from vacuum_hold; update vacuum_run set ended_at = 1 where ended_at is null';
  const database: GraphDatabase = {
    url: file.url,
    isSqlite: true,
    rows: async (sql) => file.rows(sql),
    execute: async (sql) => file.execute(sql),
    reset: async () =>
      file.execute(`pragma foreign_keys = off; ${tables.join(' ')} ${closed}; pragma foreign_keys = on`),
  };
  return { database, close: async () => file.drop() };
}
