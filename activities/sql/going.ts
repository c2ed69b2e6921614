import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { isOldRow, sureOf } from './kept-whole.ts';
import type { KeepingExpiry, KeptList } from './kept.ts';
import { enough, entryOf, groupOf, isAsBefore, isFull, isOf, isSameFile } from './kept.ts';
import { columnOf, comparedAs, tableOf } from './names.ts';

/** What a walk keeps of the rows that it finds. */
export interface Keeping {
  readonly expiry: KeepingExpiry;
  readonly list: KeptList;
}

/** For the select list of a walk over alias `t`: what {@link goingOf} needs of a row. Nothing where nothing is kept. */
export function keepingColumns(keeping: Keeping | undefined): RawBuilder<unknown> {
  if (keeping === undefined) return sql``;
  const { list } = keeping;
  const { retentions, key } = keeping.expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  return sql`,
    ${entryOf(retentions)} as kept_entry,
    ${groupOf(retentions)} as kept_group,
    ${columnOf('t', key)}::text as kept_key,
    ${isOldRow(list)} as kept_old`;
}

/** The names of these columns, to hand them on. */
export function keptNames(keeping: Keeping | undefined): RawBuilder<unknown> {
  return keeping === undefined ? sql`` : sql`, kept_entry, kept_group, kept_key, kept_old`;
}

/** So many keys are compared with each row; more are looked up in a hash. */
const MOST_COMPARED = 100;

/**
 * `going`: of the rows of an earlier part of the statement, those that are none of the newest of their group, where as many
 * of these as are to stay are there. At most `limit`, which is more than there are: it keeps the planner from expecting
 * too many to hash.
 *
 * What stays is looked at once for all groups of a batch: where none of it was touched since the run began, which is the
 * rule, that is one walk over places in their order (10 rows each of 2,400 groups: 45 ms group by group).
 */
export function goingOf(
  { expiry, list }: Keeping,
  source: RawBuilder<unknown>,
  limit: number,
): RawBuilder<unknown> {
  const { table, retentions, key } = expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  const most = Math.max(...retentions.map(({ keep }) => keep?.count ?? 0));
  const found = sql`
    select u.key, u.place, j.kept
    from judged as j
    cross join lateral unnest(j.found_places, j.found_keys) as u(place, key)
    where j.goes`;
  const going =
    most <= MOST_COMPARED
      ? sql`select f.place from (${found}) as f where f.kept is null or ${comparedAs(sql`f.key`, key.type)} <> all(${comparedAs(sql`f.kept`, key.type, '[]')})`
      : sql`
          select max(m.place) as place
          from (
            select ${comparedAs(sql`f.key`, key.type)} as key, f.place from (${found}) as f
            union all
            select unnest(${comparedAs(sql`j.kept`, key.type, '[]')}), null from judged as j where j.goes
          ) as m
          group by m.key
          having count(*) = count(m.place)`;
  return sql`
    ${sureOf(expiry, list, source)},
    of_group as materialized (
      select g.kept_group, g.found_places, g.found_keys, k.entry, k.grp, k.keys, k.places, k.file, k.before
      from (
        select
          s.kept_entry, s.kept_group, array_agg(s.place) as found_places, array_agg(s.kept_key) as found_keys
        from sure as s
        where not s.sure
        group by s.kept_entry, s.kept_group
      ) as g
      -- One look-up a group; a join would be free to read the whole list.
      left join lateral (
        select *
        from ${list.table} as k
        where ${isOf(list)} and k.entry = g.kept_entry and k.grp = g.kept_group
        limit 1
      ) as k on true
    ),
    untouched as materialized (
      select k.rows = (
        select count(*)
        from ${tableOf(table)} as t
        where t.ctid = any(array(select unnest(o.places) from of_group as o)) and ${isAsBefore()}
      ) as all
      from (
        select sum(cardinality(o.keys)) as rows, max(o.file) as file, max(o.before::text)::xid8 as before
        from of_group as o
      ) as k
      where ${isSameFile(expiry)}
    ),
    judged as materialized (
      select
        k.found_places,
        k.found_keys,
        k.keys as kept,
        case
          when k.kept_group is null then true
          when k.grp is null or cardinality(k.keys) < ${enough(expiry)} then false
          when (select u.all from untouched as u) then true
          else ${isFull(expiry)}
        end as goes
      from of_group as k
    ),
    going as materialized (
      select place
      from (
        select s.place from sure as s where s.sure and not s.stays
        union all
        ${going}
      ) as g
      limit ${limit}
    )`;
}

/**
 * Over alias `t` of a delete: the row is among those of {@link goingOf}, as it was when the statement began.
 *
 * All that decides was read at that moment. A delete that waits for a row that somebody changes goes on with the changed
 * row and with all else as it was: it would take a row for the group that it has just joined, although what was to stay of
 * that group left it in the same transaction. The changed row lies somewhere else; the second condition is evaluated on
 * it, which the one by which rows are read is on newer servers only, and it stays until the next run. (`is true`, since a
 * plain `in` becomes a join.) What others change after that moment comes after the delete, in the order in which it counts.
 */
export function isGoing(): RawBuilder<boolean> {
  return sql`t.ctid = any(array(select place from going)) and (t.ctid in (select place from going)) is true`;
}
