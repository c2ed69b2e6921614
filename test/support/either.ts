import { createDatabase } from './database.ts';
import { createFile } from './sqlite.ts';

/** A database of a test that runs on both dialects, with statements that both understand. */
export interface EitherDatabase {
  readonly url: string;
  execute(text: string): Promise<void>;
  rows<T>(text: string): Promise<T[]>;
  /** The keys that are left in a table, in order. */
  ids(table: string): Promise<number[]>;
  drop(): Promise<void>;
}

type Open = (schema: string) => Promise<EitherDatabase>;

async function connectPostgres(schema: string): Promise<EitherDatabase> {
  const database = await createDatabase('template0');
  const rows = async <T>(text: string): Promise<T[]> => database.rows<T>(text);
  await database.rows(schema);
  return {
    url: database.url,
    execute: async (text) => void (await database.rows(text)),
    rows,
    ids: async (table) => listIds(await rows(`select id from ${table} order by id`)),
    drop: async () => database.drop(),
  };
}

async function connectSqlite(schema: string): Promise<EitherDatabase> {
  const file = createFile(schema);
  const rows = async <T>(text: string): Promise<T[]> => file.rows<T>(text);
  return {
    url: file.url,
    execute: async (text) => file.execute(text),
    rows,
    ids: async (table) => listIds(await rows(`select id from ${table} order by id`)),
    drop: async () => file.drop(),
  };
}

function listIds(rows: readonly { readonly id: number }[]): number[] {
  return rows.map(({ id }) => id);
}

/** For `describe.each`: the name of each dialect, and what makes a database with some tables. */
export const DIALECTS: readonly (readonly [string, Open])[] = [
  ['PostgreSQL', connectPostgres],
  ['SQLite', connectSqlite],
];

/** An instant some days ago, as both dialects write it in a statement. */
export function daysAgo(days: number): string {
  return `'${new Date(Date.now() - days * 86_400_000).toISOString().replace('T', ' ').replace('Z', '+00:00')}'`;
}
