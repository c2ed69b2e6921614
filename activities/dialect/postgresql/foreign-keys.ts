import { sql } from 'kysely';

import type { ForeignKey } from '../catalog.ts';
import type { Connection } from './connection.ts';

type ListedForeignKey = Omit<ForeignKey, 'hiddenOperator' | 'clearedColumns' | 'period'> & {
  readonly hidden: boolean;
  readonly cleared: readonly string[] | null;
  readonly periods: boolean;
};

/**
 * Reads all foreign keys of the database. What one does on delete its triggers do: `alter table ... disable trigger all`
 * switches them off, and one that is `not enforced` (PostgreSQL 18) has none. Of a partitioned table some stand at the key
 * of the whole.
 */
export async function readForeignKeys(connection: Connection): Promise<ForeignKey[]> {
  const { rows } = await sql<ListedForeignKey>`
    with recursive whole as (
      select oid, oid as root from pg_constraint where contype = 'f' and conparentid = 0
      union all
      select part.oid, w.root
      from whole as w
      join pg_constraint as part on part.conparentid = w.oid and part.contype = 'f'
    ),
    acting as (
      select w.root, bool_and(g.tgenabled in ('O', 'A')) as acts
      from whole as w
      join pg_trigger as g on g.tgconstraint = w.oid
      -- Of those that fire on delete; the others look at what is inserted or updated.
      where g.tgtype::int & 8 <> 0
      group by w.root
    )
    select
      c.conname as name,
      c.conrelid::text as child,
      c.confrelid::text as parent,
      case c.confdeltype
        when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade'
        when 'n' then 'set null' else 'set default'
      end as "onDelete",
      (select json_agg(a.attname order by k.n)
        from unnest(c.conkey) with ordinality as k(attnum, n)
        join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum) as "childColumns",
      (select json_agg(a.attname order by k.n)
        from unnest(c.confkey) with ordinality as k(attnum, n)
        join pg_attribute as a on a.attrelid = c.confrelid and a.attnum = k.attnum) as "parentColumns",
      -- Read as JSON: servers before PostgreSQL 15 and 18 have no such columns.
      (select json_agg(a.attname order by a.attnum)
        from pg_attribute as a
        where a.attrelid = c.conrelid and to_jsonb(c) -> 'confdelsetcols' @> to_jsonb(a.attnum)) as cleared,
      coalesce(to_jsonb(c) ->> 'conperiod' = 'true', false) as periods,
      coalesce(acting.acts, false) as enforced,
      not (select bool_and(pg_operator_is_visible(e)) from unnest(c.conpfeqop) as e) as hidden
    from pg_constraint as c
    left join whole on whole.oid = c.oid
    left join acting on acting.root = whole.root
    join pg_class as r on r.oid = c.conrelid
    -- A key of a partitioned table stands on each of its partitions as well, where the rows are.
    where c.contype = 'f' and r.relkind <> 'p'
    order by c.conrelid, c.conname`.execute(connection.db);
  return rows.map(({ hidden, cleared, periods, ...key }) => ({
    ...key,
    ...(hidden ? { hiddenOperator: true } : {}),
    ...(cleared === null ? {} : { clearedColumns: cleared }),
    ...(periods ? { period: true } : {}),
  }));
}
