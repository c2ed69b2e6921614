import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';
import { toIsoInstant } from '../../stored/instant.ts';
import type { StoredPartition } from '../../stored/pass.ts';
import type { Partitions } from '../partitions.ts';
import type { Connection } from './connection.ts';
import { readPostgresError } from './errors.ts';
import { baseType, castValue, qualifiedName, relationRef, tableRef, timestampType } from './identifiers.ts';
import { writeLabel } from './labels.ts';
import { undoOnError } from './transaction.ts';

/** All who use the table wait behind a drop that waits. Then they get so many times as long undisturbed. */
const REST_FACTOR = 5;
/** No longer, in milliseconds: the server ends a transaction that is idle for 30 seconds. */
const MAX_REST = 10_000;
/** A drop is tried so often. */
const TRIES = 5;
/** A foreign key without an index makes a drop read the whole table that references, while nobody can use this one. */
const STATEMENT_MILLIS = 2_000;
/** The planner takes a table that was never analyzed for one with so many pages at least. */
const COUNTED_PAGES = 10;
/** A view, a function or a foreign key depends on the partition itself. */
const DEPENDED_ON = '2BP01';

/** Partitions by range. */
export class PostgresPartitions implements Partitions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async findPast(
    table: TableName,
    age: ColumnName,
    horizon: string,
    only?: StoredPartition,
  ): Promise<StoredPartition[]> {
    const { rows } = await sql<PastRow>`
      select
        n.nspname as schema, c.relname as name, pg_table_is_visible(c.oid) as visible,
        c.relkind = 'p' as partitioned, leaves.list as leaves,
        exists (
          select from pg_partition_tree(c.oid) as p
          join pg_class as r on r.oid = p.relid
          join pg_depend as d
            on (d.refclassid, d.refobjid) in (('pg_class'::regclass, r.oid), ('pg_type'::regclass, r.reltype))
          where
            d.deptype = 'n'
            -- A foreign key to the whole table is taken off by the detach.
            and not (d.classid = 'pg_constraint'::regclass
              and exists (select from pg_constraint as k where k.oid = d.objid and k.conparentid <> 0))
        ) as needed
      from pg_inherits as h
      -- The bounds are still those of the age.
      join pg_partitioned_table as k on k.partrelid = h.inhparent and k.partstrat = 'r' and k.partnatts = 1
      join pg_attribute as a
        on a.attrelid = h.inhparent and a.attnum = (k.partattrs::int2[])[0] and a.attname = ${age.name}
      join pg_class as c on c.oid = h.inhrelid
      join pg_namespace as n on n.oid = c.relnamespace
      cross join lateral (
        select substring(pg_get_expr(c.relpartbound, c.oid) from '^FOR VALUES FROM .* TO \\(''(.*)''\\)$') as upper
      ) as bound
      cross join lateral (
        select
          json_agg(json_build_object(
            'schema', m.nspname, 'name', r.relname, 'visible', pg_table_is_visible(r.oid),
            'pages', pg_relation_size(r.oid) / current_setting('block_size')::bigint)) as list,
          bool_and(r.relkind = 'r') as here
        from pg_partition_tree(c.oid) as p
        join pg_class as r on r.oid = p.relid
        join pg_namespace as m on m.oid = r.relnamespace
        where p.isleaf and r.relkind <> 'p'
      ) as leaves
      where
        h.inhparent = to_regclass(${qualifiedName(table)}) and not h.inhdetachpending
        and ${only === undefined ? sql`true` : sql`h.inhrelid = to_regclass(${qualifiedName(only)})`}
        and coalesce(leaves.here, true)
        and case
          when bound.upper is null then false
          else bound.upper::${baseType(age.type)} <= ${castValue(horizon, timestampType(age.type))}
        end
      order by bound.upper::${baseType(age.type)}`.execute(this.#connection.db);
    const found: StoredPartition[] = [];
    for (const { leaves, needed, ...row } of rows) {
      found.push({
        ...nameTable(row),
        ...(row.partitioned ? { partitioned: true } : {}),
        rows: only?.rows ?? (await this.#estimateLeaves(leaves ?? [])),
        leaves: (leaves ?? []).map(nameTable),
        ...(needed ? { needed } : {}),
      });
    }
    return found;
  }

  async findBound(table: TableName, age: ColumnName, leaf: TableName): Promise<string | null | undefined> {
    const { rows } = await sql<{ upper: number | null }>`
      select extract(epoch from bound.upper::${baseType(age.type)})::float8 * 1000 as upper
      from pg_inherits as h
      join pg_class as c on c.oid = h.inhrelid
      cross join lateral (
        select substring(pg_get_expr(c.relpartbound, c.oid) from '^FOR VALUES FROM .* TO \\(''(.*)''\\)$') as upper
      ) as bound
      where
        h.inhparent = to_regclass(${qualifiedName(table)})
        and exists (select from pg_partition_tree(c.oid) as p where p.relid = to_regclass(${qualifiedName(leaf)}))`.execute(
      this.#connection.db,
    );
    const [row] = rows;
    return row === undefined ? undefined : toIsoInstant(row.upper ?? Number.NaN);
  }

  async findYoung(table: TableName, age: ColumnName, horizon: string): Promise<TableName[]> {
    const { rows } = await sql<NamedRow>`
      select m.nspname as schema, r.relname as name, pg_table_is_visible(r.oid) as visible
      from pg_inherits as h
      join pg_partitioned_table as k on k.partrelid = h.inhparent and k.partstrat = 'r' and k.partnatts = 1
      join pg_attribute as a
        on a.attrelid = h.inhparent and a.attnum = (k.partattrs::int2[])[0] and a.attname = ${age.name}
      join pg_class as c on c.oid = h.inhrelid
      cross join lateral (
        select substring(pg_get_expr(c.relpartbound, c.oid) from '^FOR VALUES FROM \\(''(.*)''\\) TO ') as lower
      ) as bound
      cross join lateral pg_partition_tree(c.oid) as p
      join pg_class as r on r.oid = p.relid
      join pg_namespace as m on m.oid = r.relnamespace
      where
        h.inhparent = to_regclass(${qualifiedName(table)}) and p.isleaf
        and case
          when bound.lower is null then false
          else bound.lower::${baseType(age.type)} >= ${castValue(horizon, timestampType(age.type))}
        end`.execute(this.#connection.db);
    return rows.map(nameTable);
  }

  async lock(partition: TableName): Promise<void> {
    await sql`lock table ${tableRef(partition)} in share mode`.execute(this.#connection.db);
  }

  async drop(
    table: TableName,
    partition: TableName,
    lockMillis: number,
    signal: AbortSignal,
  ): Promise<'dropped' | 'needed'> {
    const { db } = this.#connection;
    for (let tries = 1; ; tries += 1) {
      try {
        await undoOnError(db, async () => this.#detachAndDrop(table, partition, lockMillis));
        return 'dropped';
      } catch (error) {
        const known = readPostgresError(error);
        if (known?.kind === 'row forbidden' || known?.code === DEPENDED_ON) return 'needed';
        if (known?.kind !== 'lock' || tries === TRIES) throw error;
      }
      await sleep(Math.min(REST_FACTOR * lockMillis, MAX_REST), undefined, { signal });
    }
  }

  /**
   * Locks the whole table before the partition, as those who read do: one of them who waited for the partition, and kept us
   * from the table, would never end.
   */
  async #detachAndDrop(table: TableName, partition: TableName, lockMillis: number): Promise<void> {
    const { db } = this.#connection;
    await sql`
      select
        set_config('lock_timeout', ${`${Math.round(lockMillis)}ms`}, true),
        set_config('statement_timeout', ${`${Math.round(lockMillis + STATEMENT_MILLIS)}ms`}, true)`.execute(
      db,
    );
    await sql`lock table only ${relationRef(table)} in access exclusive mode`.execute(db);
    await sql`lock table ${tableRef(partition)} in access exclusive mode`.execute(db);
    // A partition that is attached cannot be dropped while a foreign key references the table.
    await sql`alter table ${relationRef(table)} detach partition ${relationRef(partition)}`.execute(db);
    await sql`drop table ${relationRef(partition)}`.execute(db);
  }

  async #estimateLeaves(leaves: readonly LeafRow[]): Promise<number> {
    let rows = 0;
    for (const leaf of leaves) rows += await this.#estimateRows(nameTable(leaf), leaf.pages);
    return rows;
  }

  /** Counts a small table. Of a larger one the planner looks at the size, even if it was never analyzed. */
  async #estimateRows(table: TableName, pages: number): Promise<number> {
    const { db } = this.#connection;
    if (pages <= COUNTED_PAGES) {
      const { rows } = await sql<{ rows: number }>`
        select count(*)::float8 as rows from ${tableRef(table)}`.execute(db);
      return rows[0]?.rows ?? 0;
    }
    const { rows } = await sql<{ 'QUERY PLAN': readonly { Plan: { 'Plan Rows': number } }[] }>`
      explain (format json) select from ${tableRef(table)}`.execute(db);
    return rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0;
  }
}

interface NamedRow {
  readonly schema: string;
  readonly name: string;
  readonly visible: boolean;
}

interface PastRow extends NamedRow {
  readonly partitioned: boolean;
  readonly needed: boolean;
  /** Null for a partition with partitions of its own that has none. */
  readonly leaves: readonly LeafRow[] | null;
}

interface LeafRow extends NamedRow {
  readonly pages: number;
}

function nameTable({ schema, name, visible }: NamedRow): TableName {
  return { schema, name, label: writeLabel({ schema, name }, visible) };
}
