import { sql } from 'kysely';

import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import type { CascadeStep } from '../plan/cascades.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import type { ColumnName, TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';
import { descendToAll } from '../sql/weigh.ts';
import type { Asked } from './condition.ts';

/** So many rows that a row could go along with are looked at. */
const MOST_PARENTS = 10;

/** The rows of a pass's own table with which a row would go along, those that go first. */
export async function findParents(
  tx: Tx,
  frozen: FrozenPass,
  row: { readonly table: TableName; readonly place: string },
  asked: Asked,
): Promise<string[]> {
  const {
    cascades = [],
    children = [],
    key = null,
  } = frozen as Partial<{
    cascades: readonly CascadeStep[];
    children: readonly FrozenChild[];
    key: ColumnName | null;
  }>;
  const work = workOf(frozen.kind);
  if (!('explain' in work)) return [];
  const { goes } = work.explain(frozen, asked);
  const places: string[] = [];
  for (const { table, from } of descendToAll(cascades, children, key)) {
    if (!isSame(table, row.table)) continue;
    const { rows } = await sql<{ place: string }>`
      with found as materialized (
        select distinct p.ctid as place
        from ${tableOf(frozen.table)} as p
        cross join lateral (select c.ctid ${from}) as d
        where d.ctid = ${row.place}::tid
      )
      select t.ctid::text as place
      from ${tableOf(frozen.table)} as t
      where t.ctid = any(array(select place from found))
      order by (${goes}) is true desc, t.ctid
      limit ${MOST_PARENTS}`.execute(tx);
    places.push(...rows.map(({ place }) => place));
  }
  return [...new Set(places)];
}

/** Whether two names are of one table. */
export function isSame(a: TableName, b: TableName): boolean {
  return a.schema === b.schema && a.name === b.name;
}
