import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { qualifiedName } from './names.ts';

/** What one table measures. Bytes; instants in ISO 8601; null where the server has never done it. */
export interface TableSize {
  readonly table: string;
  /** With its free-space and visibility maps. */
  readonly heap: number;
  readonly indexes: number;
  /** With its own index. */
  readonly toast: number;
  /** Rows by the server's statistics, which can be some seconds behind. */
  readonly live: number;
  /** Dead rows by the same statistics. */
  readonly dead: number;
  readonly bloat: Bloat | null;
  readonly lastVacuum: string | null;
  readonly lastAutovacuum: string | null;
  readonly lastAnalyze: string | null;
  readonly lastAutoanalyze: string | null;
}

/** Bytes of the heap that its live rows do not need, dead rows included. */
export interface Bloat {
  readonly bytes: number;
  readonly percent: number;
  /** An estimate is of the width of columns by the last analyze. */
  readonly by: 'estimate' | 'pgstattuple_approx';
}

/**
 * Measures tables from catalog and statistics: cheap, whatever their size. Waits where another session holds a table
 * exclusively. A table that is gone is left out.
 */
export async function readSizes(db: Kysely<unknown>, tables: readonly TableName[]): Promise<TableSize[]> {
  const { rows } = await sql<TableSize & { width: number | null; rowsPerPage: number | null }>`
    select
      w.label as table,
      (pg_total_relation_size(c.oid) - pg_indexes_size(c.oid) - t.bytes)::float8 as heap,
      pg_indexes_size(c.oid)::float8 as indexes,
      t.bytes::float8 as toast,
      l.live,
      coalesce(pg_stat_get_dead_tuples(c.oid), 0)::float8 as dead,
      case when e.bytes is null then null else json_build_object(
        'bytes', e.bytes,
        'percent', round((100 * e.bytes / greatest(pg_relation_size(c.oid), 1))::numeric, 1),
        'by', 'estimate') end as bloat,
      to_json(pg_stat_get_last_vacuum_time(c.oid)) #>> '{}' as "lastVacuum",
      to_json(pg_stat_get_last_autovacuum_time(c.oid)) #>> '{}' as "lastAutovacuum",
      to_json(pg_stat_get_last_analyze_time(c.oid)) #>> '{}' as "lastAnalyze",
      to_json(pg_stat_get_last_autoanalyze_time(c.oid)) #>> '{}' as "lastAutoanalyze"
    from unnest(
      ${tables.map(qualifiedName)}::text[],
      ${tables.map((table) => table.label)}::text[]) with ordinality as w(name, label, n)
    join pg_class as c on c.oid = to_regclass(w.name)
    join pg_namespace as s on s.oid = c.relnamespace
    cross join lateral (
      select case when c.reltoastrelid = 0 then 0 else pg_total_relation_size(c.reltoastrelid) end as bytes
    ) as t
    -- After a crash of the server its counters begin at nothing.
    cross join lateral (
      select coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), greatest(c.reltuples, 0))::float8 as live
    ) as l
    -- A page has a head of 24 bytes; a row a pointer of 4, a head of 24, and ends at a multiple of 8.
    cross join lateral (
      select 28 + 8 * ceil(sum((1 - a.null_frac) * a.avg_width) / 8) as bytes
      from pg_stats as a
      where a.schemaname = s.nspname and a.tablename = c.relname and not a.inherited
    ) as row
    cross join lateral (
      select current_setting('block_size')::float8 as block,
        coalesce((
          select substring(o from 'fillfactor=(\\d+)')::float8
          from unnest(c.reloptions) as o
          where o like 'fillfactor=%'), 100) / 100 as fill
    ) as page
    cross join lateral (
      select greatest(0, pg_relation_size(c.oid)
        - page.block * ceil(l.live / greatest(1, floor((page.block - 24) * page.fill / row.bytes)))) as bytes
    ) as e
    order by w.n`.execute(db);
  return rows;
}

/** Where the database has the extension and the role may use it: the schema of its functions. */
export async function findPgstattuple(db: Kysely<unknown>): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string }>`
    select n.nspname as schema
    from pg_extension as e
    join pg_namespace as n on n.oid = e.extnamespace
    join pg_proc as p on p.pronamespace = n.oid and p.proname = 'pgstattuple_approx'
    where
      e.extname = 'pgstattuple'
      and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')`.execute(db);
  return rows[0]?.schema;
}

/** The same with bloat measured by `pgstattuple_approx`; reads pages that are not known to be all visible. */
export async function readExactBloat(db: Kysely<unknown>, schema: string, table: TableName): Promise<Bloat> {
  const { rows } = await sql<{ bytes: number; percent: number }>`
    select
      (a.approx_free_space + a.dead_tuple_len)::float8 as bytes,
      round((100 * (a.approx_free_space + a.dead_tuple_len) / greatest(a.table_len, 1))::numeric, 1)::float8 as percent
    from ${sql.id(schema, 'pgstattuple_approx')}(${qualifiedName(table)}::regclass) as a`.execute(db);
  return { bytes: rows[0]?.bytes ?? 0, percent: rows[0]?.percent ?? 0, by: 'pgstattuple_approx' };
}
