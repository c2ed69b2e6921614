import type { TestDatabase } from '../database.ts';

/** A row as `to_jsonb` writes it. */
export type ContentRow = Readonly<Record<string, unknown>> & { readonly id: string };

/** All rows of all tables of schema `public` at one moment. */
export class Contents {
  readonly tables: readonly string[];
  readonly #rows: ReadonlyMap<string, readonly ContentRow[]>;

  private constructor(rows: ReadonlyMap<string, readonly ContentRow[]>) {
    this.tables = [...rows.keys()];
    this.#rows = rows;
  }

  static async of(database: TestDatabase): Promise<Contents> {
    const tables = await database.rows<{ name: string }>(`
      select t.relname as name
      from pg_class as t
      join pg_attribute as a on a.attrelid = t.oid and a.attname = 'id'
      where t.relnamespace = 'public'::regnamespace and t.relkind = 'r'
      order by t.relname`);
    const contents = new Map<string, ContentRow[]>();
    for (const { name } of tables) {
      const rows = await database.rows<{ row: ContentRow }>(
        `select to_jsonb(t) as row from public.${name} as t order by t.id`,
      );
      contents.set(
        name,
        rows.map(({ row }) => row),
      );
    }
    return new Contents(contents);
  }

  /** The rows of a table, whole, in the order of ids. */
  rows(table: string): readonly ContentRow[] {
    const rows = this.#rows.get(table);
    if (rows === undefined) throw new Error(`there is no table ${table}`);
    return rows;
  }

  ids(table: string): string[] {
    return this.rows(table).map(({ id }) => id);
  }

  /** The flow run of a name. */
  run(name: string): ContentRow {
    const found = this.rows('flow_run').find((row) => row['name'] === name);
    if (found === undefined) throw new Error(`there is no flow run ${name}`);
    return found;
  }

  /** The ids of rows of a table that are gone in later contents. */
  gone(table: string, later: Contents): string[] {
    const left = new Set(later.ids(table));
    return this.ids(table).filter((id) => !left.has(id));
  }
}
