import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { ForeignKey } from './foreign-keys.ts';
import { readForeignKeys } from './foreign-keys.ts';
import type { ColumnName, TableName } from './names.ts';

/** What the database's catalog says of one table. */
export interface CatalogTable extends TableName {
  readonly oid: string;
  /** `r` table, `p` partitioned, `v` view, `m` materialized view, `f` foreign table. */
  readonly relkind: string;
  /** Rows by the last analyze or vacuum; null where there was none. */
  readonly rows: number | null;
  /** Dead tuples by the statistics collector. */
  readonly deadRows: number;
  /** Size of the heap in pages, as it is now. */
  readonly pages: number;
  readonly columns: ReadonlyMap<string, CatalogColumn>;
  /** The columns of the primary key; empty where there is none. */
  readonly primaryKey: readonly string[];
  readonly indexes: readonly CatalogIndex[];
  /** Other tables inherit from it, and a statement about it would be about their rows as well. */
  readonly inherited: boolean;
  /** Row-level security hides rows from the connected role. */
  readonly hidden: boolean;
  /** What the connected role may do. */
  readonly may: {
    readonly select: boolean;
    readonly update: boolean;
    readonly delete: boolean;
    /** Vacuum it. */
    readonly maintain: boolean;
  };
}

/** A column, with what the statistics say of it. */
export interface CatalogColumn extends ColumnName {
  readonly notNull: boolean;
  /** Distinct values by the last analyze; null where there was none. */
  readonly distinct: number | null;
}

/** An index, by its leading column. */
export interface CatalogIndex {
  readonly name: string;
  readonly method: string;
  /** Leading key column; null for an expression. */
  readonly leading: string | null;
  readonly valid: boolean;
  readonly partial: boolean;
}

/** The tables somebody asked for, those that foreign keys tie to them, and all foreign keys. */
export class Catalog {
  readonly foreignKeys: readonly ForeignKey[];
  readonly #byOid: ReadonlyMap<string, CatalogTable>;
  readonly #byAsked: ReadonlyMap<string, string>;

  constructor(
    tables: readonly CatalogTable[],
    asked: ReadonlyMap<string, string>,
    foreignKeys: readonly ForeignKey[],
  ) {
    this.#byOid = new Map(tables.map((table) => [table.oid, table]));
    this.#byAsked = asked;
    this.foreignKeys = foreignKeys;
  }

  /** A table as an entity names it; undefined where the database has none. */
  find(schema: string | undefined, name: string): CatalogTable | undefined {
    const oid = this.#byAsked.get(askedKey(schema ?? null, name));
    return oid === undefined ? undefined : this.#byOid.get(oid);
  }

  /** A table by oid, which must be one that was asked for or is tied to one. */
  get(oid: string): CatalogTable {
    const table = this.#byOid.get(oid);
    if (table === undefined) throw new Error(`table ${oid} was not read from the catalog`);
    return table;
  }

  /** How reports write a table; undefined where it was not read. */
  labelOf(oid: string): string | undefined {
    return this.#byOid.get(oid)?.label;
  }

  /** A table by its own name, if it was read. */
  named({ schema, name }: Pick<TableName, 'schema' | 'name'>): CatalogTable | undefined {
    return [...this.#byOid.values()].find((table) => table.schema === schema && table.name === name);
  }

  /** Whether a table was read. */
  has(oid: string): boolean {
    return this.#byOid.has(oid);
  }

  /** Foreign keys that point at a table. */
  referencesTo(table: CatalogTable): ForeignKey[] {
    return this.foreignKeys.filter((key) => key.parent === table.oid);
  }
}

/** Reads the catalog for some tables, in four statements whatever their number. */
export async function readCatalog(
  db: Kysely<unknown>,
  asked: readonly { readonly schema: string | undefined; readonly name: string }[],
): Promise<Catalog> {
  const names = asked.map(({ schema, name }) => ({ schema: schema ?? null, name }));
  const found = await sql<{ schema: string | null; name: string; oid: string }>`
    select a.schema, a.name, r.oid::oid::text as oid
    from unnest(${names.map((n) => n.schema)}::text[], ${names.map((n) => n.name)}::text[]) as a(schema, name)
    cross join lateral (select to_regclass(concat(quote_ident(a.schema) || '.', quote_ident(a.name))) as oid) as r
    where r.oid is not null`.execute(db);
  const foreignKeys = await readForeignKeys(db);
  const oids = withCascades(
    found.rows.map((row) => row.oid),
    foreignKeys,
  );
  const tables = await readTables(db, oids);
  return new Catalog(
    tables,
    new Map(found.rows.map((row) => [askedKey(row.schema, row.name), row.oid])),
    foreignKeys,
  );
}

/** Reads one table, without any foreign key; undefined if the database has no such table. */
export async function readCatalogTable(
  db: Kysely<unknown>,
  { schema, name }: Pick<TableName, 'schema' | 'name'>,
): Promise<CatalogTable | undefined> {
  const { rows } = await sql<{ oid: string }>`
    select c.oid::text as oid
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name}`.execute(db);
  const [found] = rows;
  return found === undefined ? undefined : (await readTables(db, [found.oid]))[0];
}

function askedKey(schema: string | null, name: string): string {
  return JSON.stringify([schema, name]);
}

/** The tables, all that `on delete cascade` reaches from them, and those with any foreign key to one of these. */
function withCascades(oids: readonly string[], keys: readonly ForeignKey[]): string[] {
  const reached = new Set(oids);
  for (const oid of reached) {
    for (const key of keys) if (key.parent === oid && key.onDelete === 'cascade') reached.add(key.child);
  }
  const looking = keys.filter((key) => reached.has(key.parent)).map((key) => key.child);
  return [...new Set([...reached, ...looking])];
}

type TableRow = Omit<CatalogTable, 'columns' | 'label'> & {
  readonly visible: boolean;
  readonly columns: readonly (Omit<CatalogColumn, 'loose'> & { readonly loose: string | null })[];
};

async function readTables(db: Kysely<unknown>, oids: readonly string[]): Promise<CatalogTable[]> {
  const { rows } = await sql<TableRow>`
    select
      c.oid::text as oid,
      n.nspname as schema,
      c.relname as name,
      c.relkind::text as relkind,
      nullif(c.reltuples, -1)::float8 as rows,
      coalesce(pg_stat_get_dead_tuples(c.oid), 0)::float8 as "deadRows",
      (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::float8 as pages,
      pg_table_is_visible(c.oid) as visible,
      exists (select from pg_inherits as h where h.inhparent = c.oid) as inherited,
      row_security_active(c.oid) as hidden,
      json_build_object(
        'select', has_table_privilege(c.oid, 'select'),
        'update', has_any_column_privilege(c.oid, 'update'),
        'delete', has_table_privilege(c.oid, 'delete'),
        'maintain',
          pg_has_role(c.relowner, 'usage')
          or (select pg_has_role(d.datdba, 'usage') from pg_database as d where d.datname = current_database())
          or case
            when current_setting('server_version_num')::int >= 170000
              then has_table_privilege(c.oid, 'maintain')
            else false
          end) as may,
      (select coalesce(json_agg(json_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, a.atttypmod),
          'notNull', a.attnotnull,
          'loose', l.collname,
          'distinct', case when s.n_distinct < 0 then -s.n_distinct * c.reltuples else s.n_distinct end)
          order by a.attnum), '[]')
        from pg_attribute as a
        left join pg_collation as l on l.oid = a.attcollation and not l.collisdeterministic
        left join pg_stats as s
          on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select coalesce(json_agg(a.attname order by k.n), '[]')
        from pg_constraint as p
        cross join lateral unnest(p.conkey) with ordinality as k(attnum, n)
        join pg_attribute as a on a.attrelid = p.conrelid and a.attnum = k.attnum
        where p.conrelid = c.oid and p.contype = 'p') as "primaryKey",
      (select coalesce(json_agg(json_build_object(
          'name', ic.relname,
          'method', am.amname,
          'leading', a.attname,
          'valid', i.indisvalid and i.indisready,
          'partial', i.indpred is not null) order by ic.relname), '[]')
        from pg_index as i
        join pg_class as ic on ic.oid = i.indexrelid
        join pg_am as am on am.oid = ic.relam
        left join pg_attribute as a on a.attrelid = c.oid and a.attnum = nullif(i.indkey[0], 0)
        where i.indrelid = c.oid) as indexes
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any(${oids}::text[]::oid[])`.execute(db);
  return rows.map(({ visible, columns, ...table }) => ({
    ...table,
    label: visible ? table.name : `${table.schema}.${table.name}`,
    columns: new Map(
      columns.map(({ loose, ...column }) => [
        column.name,
        { ...column, ...(loose === null ? {} : { loose }) },
      ]),
    ),
  }));
}
