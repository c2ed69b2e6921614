import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { DeletionCounters } from '../batch-lock.ts';
import type { Connection } from './connection.ts';
import { qualifiedName } from './identifiers.ts';

/**
 * How many rows this backend has deleted from some tables, by its own counters; for use inside a statement.
 *
 * The difference between two readings in one transaction is what the transaction deleted, with everything that
 * foreign keys cascaded to, however deep. Counting the children first cannot be as exact: a grandchild may arrive
 * between the count and the delete, since only the parent's row is locked. The counters are not transactional over
 * a session (earlier transactions may still be in them), which the difference takes out.
 */
export function countersBefore(tables: readonly TableName[]): RawBuilder<string[]> {
  return sql`array(
    select coalesce(pg_stat_get_xact_tuples_deleted(to_regclass(w.name)::oid), 0)::text
    from unnest(${tables.map(qualifiedName)}::text[]) with ordinality as w(name, n)
    order by w.n)`;
}

/** The rows deleted since, as a JSON object of label and count without the zeros; for use inside a statement. */
export function deletedSince({ tables, before }: DeletionCounters): RawBuilder<Record<string, number>> {
  return sql`(
    select coalesce(jsonb_object_agg(d.label, d.rows), '{}')
    from (
      select w.label, sum(pg_stat_get_xact_tuples_deleted(to_regclass(w.name)::oid) - w.before) as rows
      from unnest(
        ${tables.map((table) => table.label)}::text[],
        ${tables.map(qualifiedName)}::text[],
        ${before}::bigint[]) as w(label, name, before)
      group by w.label
    ) as d
    where d.rows > 0)`;
}

/** The same as an own statement. */
export async function readCounters({ db }: Connection, tables: readonly TableName[]): Promise<string[]> {
  const { rows } = await sql<{ counts: string[] }>`select ${countersBefore(tables)} as counts`.execute(db);
  return rows[0]?.counts ?? [];
}
