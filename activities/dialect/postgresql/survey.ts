import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { ColumnValues, Survey, SurveyedTable } from '../survey.ts';
import type { Connection } from './connection.ts';
import { qualifiedName } from './identifiers.ts';
import { writeLabel } from './labels.ts';

/** Rows that are read of a table without statistics. */
const SAMPLE_ROWS = 1000;

/** Values of a column that are enough to recognise what it holds. */
const MOST_VALUES = 50;

/** What the catalog and the statistics say of all tables. */
export function createSurvey(connection: Connection): Survey {
  return {
    listTables: async () => listTables(connection),

    async readValues(table, columns) {
      if (columns.length === 0) return [];
      const known = await readStatistics(connection, table, columns);
      const found = known.length > 0 ? known : await readFirstRows(connection, table, columns);
      const labels = await readLabels(connection, table, columns);
      return columns.flatMap((column) => {
        const values = labels.find((other) => other.column === column) ?? {};
        const ofColumn = found.find((other) => other.column === column);
        return ofColumn === undefined && !('values' in values)
          ? []
          : [{ column, nullShare: 0, values: [], ...ofColumn, ...values }];
      });
    },
  };
}

type SurveyRow = Omit<SurveyedTable, 'label' | 'partitionOf'> & {
  readonly visible: boolean;
  readonly partitionOf: (Pick<TableName, 'schema' | 'name'> & { readonly visible: boolean }) | null;
};

async function listTables({ db, ledgerSchema }: Connection): Promise<SurveyedTable[]> {
  const { rows } = await sql<SurveyRow>`
    select
      n.nspname as schema,
      c.relname as name,
      pg_table_is_visible(c.oid) as visible,
      pg_total_relation_size(c.oid)::float8 as bytes,
      json_build_object(
        'inserted', coalesce(pg_stat_get_tuples_inserted(c.oid), 0),
        'updated', coalesce(pg_stat_get_tuples_updated(c.oid), 0)) as written,
      case p.partstrat when 'r' then 'range' when 'l' then 'list' when 'h' then 'hash' end as "partitionedBy",
      (select json_build_object('schema', m.nspname, 'name', r.relname, 'visible', pg_table_is_visible(r.oid))
        from pg_inherits as h
        join pg_class as r on r.oid = h.inhparent
        join pg_namespace as m on m.oid = r.relnamespace
        where c.relispartition and h.inhrelid = c.oid) as "partitionOf"
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_partitioned_table as p on p.partrelid = c.oid
    where
      c.relkind in ('r', 'p') and c.relpersistence <> 't'
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', ${ledgerSchema})
      -- Tables of an extension are its own.
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by bytes desc, n.nspname, c.relname`.execute(db);
  return rows.map(({ visible, partitionOf, ...table }) => ({
    ...table,
    label: writeLabel(table, visible),
    partitionOf: partitionOf === null ? null : writeLabel(partitionOf, partitionOf.visible),
  }));
}

/** What the last analyze found. Reads nothing of the table. */
async function readStatistics(
  { db }: Connection,
  { schema, name }: TableName,
  columns: readonly string[],
): Promise<ColumnValues[]> {
  const { rows } = await sql<ColumnValues>`
    select
      s.attname as column,
      s.null_frac::float8 as "nullShare",
      (coalesce(s.most_common_vals::text::text[], '{}')
        || coalesce(s.histogram_bounds::text::text[], '{}'))[:${sql.lit(MOST_VALUES)}] as values
    from pg_stats as s
    where
      s.schemaname = ${schema} and s.tablename = ${name}
      -- A partitioned table has no rows but those of its partitions.
      and s.inherited = exists (
        select from pg_class as c where c.oid = to_regclass(${qualifiedName({ schema, name })}) and c.relkind = 'p')
      and s.attname = any(${columns}::text[])`.execute(db);
  return rows;
}

async function readFirstRows(
  { db }: Connection,
  table: TableName,
  columns: readonly string[],
): Promise<ColumnValues[]> {
  const fields = columns.map((column) => sql`(${sql.lit(column)}, t.${sql.id(column)}::text)`);
  const { rows } = await sql<ColumnValues>`
    select
      e.name as column,
      avg((e.value is null)::int)::float8 as "nullShare",
      coalesce(
        (array_agg(distinct e.value) filter (where e.value is not null))[:${sql.lit(MOST_VALUES)}],
        '{}') as values
    from (select * from ${sql.raw(qualifiedName(table))} limit ${sql.lit(SAMPLE_ROWS)}) as t
    cross join lateral (values ${sql.join(fields)}) as e(name, value)
    group by e.name`.execute(db);
  return rows;
}

/** The labels of enumerations, in their order. */
async function readLabels(
  { db }: Connection,
  table: TableName,
  columns: readonly string[],
): Promise<Pick<ColumnValues, 'column' | 'values'>[]> {
  const { rows } = await sql<Pick<ColumnValues, 'column' | 'values'>>`
    select a.attname as column, array_agg(e.enumlabel::text order by e.enumsortorder) as values
    from pg_attribute as a
    join pg_enum as e on e.enumtypid = a.atttypid
    where a.attrelid = to_regclass(${qualifiedName(table)}) and a.attname = any(${columns}::text[])
    group by a.attname`.execute(db);
  return rows;
}
