import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ScanTarget } from '../scan.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { columnRef, asComparable, tableRef } from './identifiers.ts';
import {
  retentionIndex,
  groupKey,
  isOfList,
  isUnchangedRow,
  isProvenByRows,
  keepCount,
  isGroupFullSql,
} from './keep-last.ts';

/** For the select list of a scan over alias `t`: what {@link deletableSql} needs of a row. Empty if nothing is kept. */
export function keepLastColumns(keeps: ScanTarget['keeps']): RawBuilder<unknown> {
  if (keeps === undefined) return sql``;
  const { retentions, key } = keeps.expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  return sql`,
    ${retentionIndex(retentions)} as kept_retention,
    ${groupKey(retentions)} as kept_group,
    ${columnRef('t', key)}::text as kept_key`;
}

/** The names of these columns, to hand them on. */
export function keepLastColumnNames(keeps: ScanTarget['keeps']): RawBuilder<unknown> {
  return keeps === undefined ? sql`` : sql`, kept_retention, kept_group, kept_key`;
}

/** So many keys are compared with each row; more are looked up in a hash. */
const MAX_COMPARED = 100;

/**
 * `deletable`: of the rows of an earlier part of the statement, those that are none of the newest of their group, if as
 * many of these as are to stay are there. At most `limit`, which is more than there are: it keeps the planner from
 * expecting too many to hash.
 *
 * What stays is checked once for all groups of a batch. If none of it changed since the run started, as is usual, that
 * reads locations in their order: 115,000 rows/s, and 45,000 group by group (`npm run bench -- --case keep-last`).
 */
export function deletableSql(
  connection: Connection,
  { expiry, list }: NonNullable<ScanTarget['keeps']>,
  source: RawBuilder<unknown>,
  limit: number,
): RawBuilder<unknown> {
  const { table, retentions, key } = expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  const most = Math.max(...retentions.map(({ keep }) => keep?.count ?? 0));
  const found = sql`
    select u.key, u.location, j.kept
    from judged as j
    cross join lateral unnest(j.found_tids, j.found_keys) as u(location, key)
    where j.is_full`;
  const deletable =
    most <= MAX_COMPARED
      ? sql`select f.location from (${found}) as f where f.kept is null or ${asComparable(sql`f.key`, key.type)} <> all(${asComparable(sql`f.kept`, key.type, '[]')})`
      : sql`
          select max(m.location) as location
          from (
            select ${asComparable(sql`f.key`, key.type)} as key, f.location from (${found}) as f
            union all
            select unnest(${asComparable(sql`j.kept`, key.type, '[]')}), null from judged as j where j.is_full
          ) as m
          group by m.key
          having count(*) = count(m.location)`;
  return sql`
    of_group as materialized (
      select g.kept_group, g.found_tids, g.found_keys, k.retention_index, k.group_key, k.keys, k.tids, k.file, k.oldest_xid
      from (
        select
          s.kept_retention, s.kept_group, array_agg(s.location) as found_tids, array_agg(s.kept_key) as found_keys
        from ${source} as s
        group by s.kept_retention, s.kept_group
      ) as g
      -- One look-up a group; a join would be free to read the whole list.
      left join lateral (
        select *
        from ${ledgerTable(connection, 'kept')} as k
        where ${isOfList(list)} and k.retention_index = g.kept_retention and k.group_key = g.kept_group
        limit 1
      ) as k on true
    ),
    unchanged as materialized (
      select k.rows = (
        select count(*)
        from ${tableRef(table)} as t
        where t.ctid = any(array(select unnest(o.tids) from of_group as o)) and ${isUnchangedRow()}
      ) as all
      from (
        select sum(cardinality(o.keys)) as rows, max(o.file) as file, max(o.oldest_xid::text)::xid8 as oldest_xid
        from of_group as o
      ) as k
      where ${isProvenByRows(expiry)}
    ),
    judged as materialized (
      select
        k.found_tids,
        k.found_keys,
        k.keys as kept,
        case
          when k.kept_group is null then true
          when k.group_key is null or cardinality(k.keys) < ${keepCount(expiry)} then false
          when (select u.all from unchanged as u) then true
          else ${isGroupFullSql(expiry)}
        end as is_full
      from of_group as k
    ),
    deletable as materialized (
      select location
      from (${deletable}) as g
      limit ${limit}
    )`;
}

/**
 * Over alias `t` of a delete: the row is among those of {@link deletableSql}, unchanged since the statement started.
 *
 * A DELETE that waited re-evaluates only its own row, not its subqueries; a row that changed is therefore left for the next
 * run. The changed row lies at another location, which the second condition sees: the first is evaluated again on newer
 * servers only. (`is true`, since a plain `in` becomes a join.)
 */
export function isDeletable(): RawBuilder<boolean> {
  return sql`t.ctid = any(array(select location from deletable)) and (t.ctid in (select location from deletable)) is true`;
}
