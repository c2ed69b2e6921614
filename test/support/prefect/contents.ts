import type { TestDatabase } from '../database.ts';

/** A row as `to_jsonb` writes it. */
export type ContentRow = Readonly<Record<string, unknown>> & { readonly id: string };

/** Every row of every table with an `id`, by table, whole, in the order of ids. */
export type Contents = ReadonlyMap<string, readonly ContentRow[]>;

/** Reads all tables of schema `public`. */
export async function readContents(database: TestDatabase): Promise<Contents> {
  const tables = await database.rows<{ name: string }>(`
    select t.relname as name
    from pg_class as t
    join pg_attribute as a on a.attrelid = t.oid and a.attname = 'id'
    where t.relnamespace = 'public'::regnamespace and t.relkind = 'r'
    order by t.relname`);
  const contents = new Map<string, readonly ContentRow[]>();
  for (const { name } of tables) {
    const rows = await database.rows<{ row: ContentRow }>(
      `select to_jsonb(t) as row from public.${name} as t order by t.id`,
    );
    contents.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return contents;
}

/** The rows of a table that two readings of it differ in. */
export function idsWithout(rows: readonly ContentRow[], others: readonly ContentRow[]): string[] {
  const there = new Set(others.map(({ id }) => id));
  return rows.map(({ id }) => id).filter((id) => !there.has(id));
}
