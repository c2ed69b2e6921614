import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CatalogTable } from '../catalog.ts';
import type { Connection } from './connection.ts';

type Unsupported = NonNullable<CatalogTable['unsupported']>;

const HYPERTABLE: Unsupported = {
  what: 'is a hypertable of TimescaleDB, whose rows lie in chunks',
  fix: 'Let TimescaleDB drop whole chunks: add_retention_policy',
};
const DISTRIBUTED: Unsupported = {
  what: 'is distributed by Citus, whose rows lie on other servers',
  fix: 'Name the entity of a local table; old shards and partitions are better dropped whole',
};

/** Tables that extensions keep elsewhere, or in a way of their own, by the ids of the tables. */
export async function findUnusualTables(
  connection: Connection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Unsupported>> {
  const { rows } = await sql<{ id: string; method: string | null; citus: boolean; timescale: boolean }>`
    select
      c.oid::text as id,
      case when am.amname <> 'heap' then am.amname end as method,
      to_regclass('pg_dist_partition') is not null as citus,
      to_regclass('_timescaledb_catalog.hypertable') is not null as timescale
    from pg_class as c
    left join pg_am as am on am.oid = c.relam and c.relkind = 'r'
    where c.oid = any(${ids}::text[]::oid[])`.execute(connection.db);
  const found = new Map<string, Unsupported>();
  for (const { id, method } of rows) if (method !== null) found.set(id, describeMethod(method));
  const [any] = rows;
  const distributed = sql`
    select logicalrelid::oid::text as id from pg_dist_partition
    where logicalrelid::oid = any(${ids}::text[]::oid[])`;
  // What Timescale keeps in chunks besides, compressed rows, is reached by the hypertable only.
  const hypertables = sql`
    select c.oid::text as id
    from _timescaledb_catalog.hypertable as h
    join pg_namespace as n on n.nspname = h.schema_name::text
    join pg_class as c on c.relnamespace = n.oid and c.relname = h.table_name::text
    where c.oid = any(${ids}::text[]::oid[])`;
  if (any?.citus === true) await addAll(connection, found, distributed, DISTRIBUTED);
  if (any?.timescale === true) await addAll(connection, found, hypertables, HYPERTABLE);
  return found;
}

async function addAll(
  { db }: Connection,
  found: Map<string, Unsupported>,
  statement: RawBuilder<unknown>,
  unsupported: Unsupported,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`${statement}`.execute(db);
  for (const { id } of rows) found.set(id, unsupported);
}

/** Columnar tables of Citus and Hydra, and OrioleDB's, have no ctid by which a row could be found again. */
function describeMethod(method: string): Unsupported {
  return {
    what: `is kept by the access method ${method}, whose rows have no location to delete them by`,
    fix: 'Name the entity of an ordinary table',
  };
}
