import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { WantedTable, ForeignKey, CatalogTable, CatalogColumn, Partitioning } from '../catalog.ts';
import { wantedKey, Catalog } from '../catalog.ts';
import type { Connection } from './connection.ts';
import { readForeignKeys } from './foreign-keys.ts';
import { qualifiedName } from './identifiers.ts';
import { readLabels, writeLabel } from './labels.ts';
import { selectPartitioning } from './partitioning.ts';
import type { FiringTrigger, TriggerEffects } from './trigger-effects.ts';
import { readTriggerEffects } from './trigger-effects.ts';
import { selectChecked, selectFiringTriggers, selectKeepingTriggers } from './triggers.ts';
import { findUnusualTables } from './unusual-tables.ts';

/** Reads the catalog for some tables, in five statements whatever their number, and some more if triggers of users fire. */
export async function readCatalog(connection: Connection, wanted: readonly WantedTable[]): Promise<Catalog> {
  const names = wanted.map(({ schema, name }) => ({ schema: schema ?? null, name }));
  const found = await sql<{ schema: string | null; name: string; oid: string }>`
    select a.schema, a.name, r.oid::oid::text as oid
    from unnest(${names.map((n) => n.schema)}::text[], ${names.map((n) => n.name)}::text[]) as a(schema, name)
    cross join lateral (select to_regclass(concat(quote_ident(a.schema) || '.', quote_ident(a.name))) as oid) as r
    where r.oid is not null`.execute(connection.db);
  const foreignKeys = await readForeignKeys(connection);
  const ids = withCascades(
    [...found.rows.map((row) => row.oid), ...(await findLeaves(connection, wanted))],
    foreignKeys,
  );
  const tables = await readTables(connection, ids);
  return new Catalog(
    tables,
    new Map(
      found.rows.map(({ schema, name, oid }) => [wantedKey({ schema: schema ?? undefined, name }), oid]),
    ),
    foreignKeys,
    found.rows.length < names.length ? await readLabels(connection) : [],
  );
}

/** The tables where the rows of partitioned tables lie. */
async function findLeaves(connection: Connection, wanted: readonly WantedTable[]): Promise<string[]> {
  const names = wanted.flatMap(({ leaves, schema, name }) =>
    leaves === true ? [{ schema: schema ?? null, name }] : [],
  );
  if (names.length === 0) return [];
  const { rows } = await sql<{ oid: string }>`
    select distinct p.relid::oid::text as oid
    from unnest(${names.map((n) => n.schema)}::text[], ${names.map((n) => n.name)}::text[]) as a(schema, name)
    cross join lateral pg_partition_tree(to_regclass(concat(quote_ident(a.schema) || '.', quote_ident(a.name)))) as p
    where p.isleaf and p.level > 0`.execute(connection.db);
  return rows.map(({ oid }) => oid);
}

/** The tables, all that `on delete cascade` reaches from them, and those with any foreign key to one of these. */
function withCascades(ids: readonly string[], keys: readonly ForeignKey[]): string[] {
  const reached = new Set(ids);
  for (const id of reached) {
    for (const key of keys) if (key.parent === id && key.onDelete === 'cascade') reached.add(key.child);
  }
  const looking = keys.filter((key) => reached.has(key.parent)).map((key) => key.child);
  return [...new Set([...reached, ...looking])];
}

type ColumnRow = Omit<CatalogColumn, 'collation' | 'hiddenOperator' | 'numbers'> & {
  readonly numbers: readonly string[] | null;
  readonly collation: string | null;
  readonly hiddenOperator: boolean;
  readonly isComputed: boolean;
};

type TableRow = Omit<CatalogTable, 'columns' | 'label' | 'partitionRoot' | 'partitioning'> & {
  readonly firing: readonly FiringTrigger[];
  readonly partitioning: Partitioning | null;
  readonly partitionRoot: string | null;
  readonly visible: boolean;
  readonly columns: readonly ColumnRow[];
};

async function readTables(connection: Connection, ids: readonly string[]): Promise<CatalogTable[]> {
  const { rows } = await sql<TableRow>`
    select
      c.oid::text as id,
      n.nspname as schema,
      c.relname as name,
      case c.relkind
        when 'r' then 'table' when 'p' then 'partitioned' when 'v' then 'view'
        when 'm' then 'materialized view' when 'f' then 'foreign table' else 'other'
      end as kind,
      nullif(c.reltuples, -1)::float8 as rows,
      coalesce(pg_stat_get_dead_tuples(c.oid), 0)::float8 as "deadRows",
      (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::float8 as pages,
      pg_table_is_visible(c.oid) as visible,
      exists (select from pg_inherits as h where h.inhparent = c.oid) as inherited,
      (select json_build_object(
          'delete', coalesce(json_agg(r.rulename order by r.rulename) filter (where r.ev_type = '4'), '[]'),
          'update', coalesce(json_agg(r.rulename order by r.rulename) filter (where r.ev_type = '2'), '[]'))
        from pg_rewrite as r
        where r.ev_class = c.oid and r.ev_enabled in ('O', 'A')) as rules,
      ${selectKeepingTriggers(sql`c.oid`)} as "keepingTriggers",
      ${selectFiringTriggers(sql`c.oid`)} as firing,
      ${selectChecked(sql`c.oid`)} as checked,
      exists (
        select from pg_trigger as g
        where g.tgrelid = c.oid and not g.tgisinternal and g.tginitdeferred and g.tgenabled in ('O', 'A')
      ) as "hasDeferredTriggers",
      (select coalesce(json_agg(distinct a.attname), '[]')
        from pg_partition_ancestors(c.oid) as p
        join pg_partitioned_table as k on k.partrelid = p.relid
        join pg_attribute as a on a.attrelid = k.partrelid and a.attnum = any(k.partattrs::int2[])) as "partitionKey",
      case when c.relispartition then (
        select format('%I.%I', s.nspname, r.relname)
        from pg_class as r
        join pg_namespace as s on s.oid = r.relnamespace
        where r.oid = pg_partition_root(c.oid)) end as "partitionRoot",
      ${selectPartitioning(sql`c.oid`)} as partitioning,
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
          'number', a.attnum,
          'type', format_type(b.type, b.modifier),
          'hiddenOperator', exists (
            select from pg_opclass as o
            join pg_am as m on m.oid = o.opcmethod and m.amname = 'btree'
            join pg_amop as e
              on e.amopfamily = o.opcfamily and e.amopstrategy = 3
              and e.amoplefttype = o.opcintype and e.amoprighttype = o.opcintype
            where o.opcintype = b.type and o.opcdefault and not pg_operator_is_visible(e.amopopr)),
          'notNull', a.attnotnull,
          'isComputed', a.attgenerated <> '',
          'collation', l.collname,
          'numbers', case when b.type in ('int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'float8'::regtype)
            then (
              -- The most frequent ones, and those from the middle: the ends may stand for something else.
              select coalesce((s.most_common_vals::text::text[])[:10], '{}')
                || coalesce(h.bounds[cardinality(h.bounds) / 2 - 5:cardinality(h.bounds) / 2 + 5], '{}')
              from (select s.histogram_bounds::text::text[] as bounds) as h) end,
          'distinct', case when s.n_distinct < 0 then -s.n_distinct * c.reltuples else s.n_distinct end)
          order by a.attnum), '[]')
        from pg_attribute as a
        cross join lateral (
          -- What a domain is made of, down to the end: it has no operators of its own.
          with recursive base (type, modifier, depth) as (
            select a.atttypid, a.atttypmod, 0
            union all
            select t.typbasetype, t.typtypmod, base.depth + 1
            from base
            join pg_type as t on t.oid = base.type and t.typtype = 'd'
          )
          select base.type, base.modifier from base order by base.depth desc limit 1
        ) as b
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
          'unique',
            i.indisunique and i.indimmediate and i.indnkeyatts = 1 and i.indisvalid and i.indpred is null
            and a.attname is not null,
          'valid', i.indisvalid and i.indisready,
          'partial', i.indpred is not null
            and pg_get_expr(i.indpred, i.indrelid) is distinct from format('(%I IS NOT NULL)', a.attname)) order by ic.relname), '[]')
        from pg_index as i
        join pg_class as ic on ic.oid = i.indexrelid
        join pg_am as am on am.oid = ic.relam
        left join pg_attribute as a on a.attrelid = c.oid and a.attnum = nullif(i.indkey[0], 0)
        where i.indrelid = c.oid) as indexes
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any(${ids}::text[]::oid[])`.execute(connection.db);
  const unusual = await findUnusualTables(connection, ids);
  const effects = await readTriggerEffects(
    connection,
    rows.flatMap(({ firing }) => firing),
  );
  return rows.map(({ visible, columns, partitionRoot, partitioning, firing, ...table }) => ({
    ...table,
    ...toEffects(firing, effects),
    ...(partitionRoot === null ? {} : { partitionRoot }),
    ...(partitioning === null ? {} : { partitioning }),
    unsupported: unusual.get(table.id),
    label: writeLabel(table, visible),
    columns: new Map(columns.map((column) => [column.name, toColumn(column)])),
  }));
}

/** The triggers of a table that may raise an error, and those that may write other rows or call what could. */
function toEffects(
  firing: readonly FiringTrigger[],
  effects: ReadonlyMap<string, TriggerEffects>,
): Pick<CatalogTable, 'refusingTriggers' | 'writers'> {
  const triggers = firing.flatMap(({ name, on, routine }) => {
    const found = effects.get(routine);
    return found === undefined ? [] : [{ name, on, ...found }];
  });
  return {
    refusingTriggers: triggers.filter(({ raises }) => raises).map(({ name, on }) => ({ name, on })),
    writers: triggers.map(({ name, on, deletes, writes, reach }) => ({ name, on, deletes, writes, reach })),
  };
}

function toColumn({ collation, hiddenOperator, numbers, isComputed, ...column }: ColumnRow): CatalogColumn {
  return {
    ...column,
    ...(isComputed ? { computed: true } : {}),
    ...(/^jsonb?$/.test(column.type) ? { mayBeJson: true } : {}),
    ...(collation === null ? {} : { collation }),
    ...(hiddenOperator ? { hiddenOperator } : {}),
    ...(numbers === null ? {} : { numbers }),
  };
}

/** Reads one table by its own name, without foreign keys; undefined if it is not there. */
export async function readTable(connection: Connection, table: TableName): Promise<CatalogTable | undefined> {
  const { rows } = await sql<{ id: string | null }>`
    select to_regclass(${qualifiedName(table)})::oid::text as id`.execute(connection.db);
  const id = rows[0]?.id ?? null;
  return id === null ? undefined : (await readTables(connection, [id]))[0];
}
