import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';
import { ProposedConfig } from './proposed-config.ts';

/** Databases of an application, and what `init` proposes for them. */
export class ApplicationDatabases {
  readonly #opened: TestDatabase[] = [];
  readonly #configs: ProposedConfig[] = [];

  async open(template = 'template1'): Promise<TestDatabase> {
    const database = await createDatabase(template);
    this.#opened.push(database);
    return database;
  }

  /** A copy of a database. No session may be open on the original meanwhile. */
  async copy(original: TestDatabase): Promise<TestDatabase> {
    const admin = await this.open();
    await admin.rows(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [
      original.name,
    ]);
    return this.open(original.name);
  }

  propose(database: TestDatabase): ProposedConfig {
    const config = new ProposedConfig(database.url);
    this.#configs.push(config);
    return config;
  }

  async drop(): Promise<void> {
    for (const config of this.#configs.splice(0)) config.remove();
    for (const database of this.#opened.splice(0).toReversed()) await database.drop();
  }
}

/** All rows of all tables besides those of the ledger, as text and sorted. */
export async function listAllRows(database: TestDatabase): Promise<Record<string, string[]>> {
  const tables = await database.rows<{ name: string }>(`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema', 'vacuum') order by name`);
  const all: Record<string, string[]> = {};
  for (const { name } of tables) {
    const rows = await database.rows<{ row: string }>(`select t::text as row from ${name} as t order by 1`);
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}
