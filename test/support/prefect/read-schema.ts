import type { TestDatabase } from '../database.ts';
import { createDatabase } from '../database.ts';
import { TABLES } from './model.ts';

/** A column as the catalog says. */
export interface SchemaColumn {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
}

/** A primary key, a unique or a foreign key constraint. */
export interface SchemaKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
  /** Where a foreign key points to. */
  readonly references: string | null;
}

/** An index with its whole definition. */
export interface SchemaIndex {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
  readonly valid: boolean;
}

/** What the catalog says of all tables of schema `public`, in the order of names. */
export interface Schema {
  readonly columns: readonly SchemaColumn[];
  readonly indexes: readonly SchemaIndex[];
  readonly keys: readonly SchemaKey[];
  readonly triggers: readonly string[];
  /** The labels of each enum type, in their order. */
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

/** Reads a copy of a template, since nobody may be connected to that; without a name what `schema.sql` makes. */
export async function readSchemaFrom(template?: string): Promise<Schema> {
  const copy = await createDatabase(template);
  try {
    return await readSchema(copy);
  } finally {
    await copy.drop();
  }
}

/** A table by itself: without the keys to tables that `schema.sql` leaves out. */
export function pickTable({ columns, indexes, keys }: Schema, name: string): Partial<Schema> {
  return {
    columns: columns.filter(({ table }) => table === name),
    indexes: indexes.filter(({ table }) => table === name),
    keys: keys.filter(
      ({ table, references }) => table === name && (references === null || isOurs(references)),
    ),
  };
}

/** The foreign keys between tables of `schema.sql` and others. */
export function crossingKeys({ keys }: Schema): string[] {
  return keys
    .filter(({ table, references }) => references !== null && isOurs(table) !== isOurs(references))
    .map(({ table, definition }) => `${table}: ${definition}`);
}

function isOurs(table: string): boolean {
  return (TABLES as readonly string[]).includes(table);
}

async function readSchema(database: TestDatabase): Promise<Schema> {
  const columns = await database.rows<SchemaColumn>(`
    select
      t.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
      not a.attnotnull as nullable, pg_get_expr(d.adbin, d.adrelid) as default
    from pg_class as t
    join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum
    where t.relnamespace = 'public'::regnamespace and t.relkind = 'r'
    order by t.relname, a.attname`);
  const indexes = await database.rows<SchemaIndex>(`
    select
      t.relname as table, i.relname as name, pg_get_indexdef(x.indexrelid) as definition, x.indisvalid as valid
    from pg_index as x
    join pg_class as t on t.oid = x.indrelid
    join pg_class as i on i.oid = x.indexrelid
    where t.relnamespace = 'public'::regnamespace
    order by t.relname, i.relname`);
  const keys = await database.rows<SchemaKey>(`
    select t.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as definition, f.relname as references
    from pg_constraint as k
    join pg_class as t on t.oid = k.conrelid
    left join pg_class as f on f.oid = k.confrelid
    where t.relnamespace = 'public'::regnamespace and k.contype in ('p', 'u', 'f', 'c', 'x')
    order by t.relname, k.conname`);
  const triggers = await database.rows<{ name: string }>(`
    select t.tgrelid::regclass || '.' || t.tgname as name
    from pg_trigger as t
    where not t.tgisinternal
    order by name`);
  const enums = await database.rows<{ name: string; labels: string[] }>(`
    select t.typname::text as name, array_agg(e.enumlabel::text order by e.enumsortorder) as labels
    from pg_enum as e
    join pg_type as t on t.oid = e.enumtypid
    group by t.typname`);
  return {
    columns,
    indexes,
    keys,
    triggers: triggers.map(({ name }) => name),
    enums: Object.fromEntries(enums.map(({ name, labels }) => [name, labels])),
  };
}
