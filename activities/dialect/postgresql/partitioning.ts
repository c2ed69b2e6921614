import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Partitioning } from '../catalog.ts';

/** In a statement: how the table of an oid is partitioned, as JSON; null if it is not. */
export function selectPartitioning(oid: RawBuilder<unknown>): RawBuilder<Partitioning | null> {
  return sql`(
    select json_build_object(
      'by', case k.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
      'columns', (
        select json_agg(a.attname order by u.n)
        from unnest(k.partattrs::int2[]) with ordinality as u(attnum, n)
        left join pg_attribute as a on a.attrelid = k.partrelid and a.attnum = nullif(u.attnum, 0)),
      'members', m.ids,
      'owned', m.owned,
      'readable', m.readable,
      'deleteTriggers', (
        select coalesce(json_agg(distinct g.tgname), '[]')
        from pg_partition_tree(k.partrelid) as p
        join pg_trigger as g on g.tgrelid = p.relid
        where not g.tgisinternal and g.tgtype::int & 8 <> 0 and g.tgenabled in ('O', 'A')),
      'statementTriggers', (
        select coalesce(json_agg(distinct g.tgname), '[]')
        from pg_partition_tree(k.partrelid) as p
        join pg_trigger as g on g.tgrelid = p.relid
        where
          not p.isleaf and not g.tgisinternal and g.tgtype::int & 1 = 0 and g.tgtype::int & 8 <> 0
          and g.tgenabled in ('O', 'A')),
      'leaves', m.leaves)
    from pg_partitioned_table as k
    cross join lateral (
      select
        json_agg(r.oid::text) as ids,
        coalesce(json_agg(r.oid::text order by n.nspname, r.relname) filter (where r.relkind = 'r'), '[]') as leaves,
        bool_and(pg_has_role(r.relowner, 'usage')) as owned,
        bool_and(has_table_privilege(r.oid, 'select')) as readable
      from pg_partition_tree(k.partrelid) as p
      join pg_class as r on r.oid = p.relid
      join pg_namespace as n on n.oid = r.relnamespace
    ) as m
    where k.partrelid = ${oid}
  )`;
}
