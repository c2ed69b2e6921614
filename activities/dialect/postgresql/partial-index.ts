import { sql } from 'kysely';

import type { ColumnName, PartialIndex, TableName } from '../../stored/columns.ts';
import { toSql } from '../condition.ts';
import type { Condition } from '../view.ts';
import type { Connection } from './connection.ts';
import { columnRef, qualifiedName, tableRef } from './identifiers.ts';
import { tryAndUndo } from './transaction.ts';

/**
 * Has the server plan a query in the order of a column: it uses a partial index only if the query implies its predicate. Values
 * are bound in a plan of their own, so that they count as constants.
 */
export async function findPartialIndex(
  { db }: Connection,
  table: TableName,
  column: ColumnName,
  where: Condition,
  names: readonly string[],
): Promise<PartialIndex | undefined> {
  const value = columnRef('t', column);
  const plan = await tryAndUndo(db, async () => {
    await sql`
      select
        set_config('enable_seqscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true),
        set_config('enable_sort', 'off', true)`.execute(db);
    const { rows } = await sql<{ 'QUERY PLAN': unknown }>`
      explain (format json, costs off)
      select from ${tableRef(table)} as t
      where ${toSql(where)} and ${value} is not null
      order by ${value}`.execute(db);
    return JSON.stringify(rows[0]?.['QUERY PLAN']);
  });
  const used = names.find((name) => plan.includes(`"Index Name":${JSON.stringify(name)}`));
  if (used === undefined) return undefined;
  const { rows } = await sql<{ predicate: string }>`
    select pg_get_expr(i.indpred, i.indrelid) as predicate
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = ${qualifiedName(table)}::regclass and c.relname = ${used} and i.indpred is not null`.execute(
    db,
  );
  return rows[0] === undefined ? undefined : { name: used, predicate: rows[0].predicate };
}
