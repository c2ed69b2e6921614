import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { KeepingExpiry, KeptList } from './kept.ts';
import { isAsBefore, isOf, isSameFile } from './kept.ts';
import { tableOf } from './names.ts';
import { startOfPage } from './pages.ts';
import { selects } from './retention.ts';

/**
 * What a look at all that stays may cost, in microseconds: a batch lasts 60,000. Pages are read in order, places one by
 * one (100,000 rows of 1,430 pages: 8.8 ms; 40,800 places: 28 ms; PostgreSQL 18 on 2 cores).
 */
const MOST_COST = 20_000;
const COST = { page: 2, row: 0.06, place: 0.7 } as const;
/** Pages are looked at by so many together. */
const PAGES = 32;
/** The part of the rows of some pages from which on it is less work to read them all than each that stays. */
const DENSE = 0.2;
/** Ranges that each row that may go is compared with. */
const MOST_RANGES = 50;
/** Each part costs its pages, or its rows one by one, where few lie there. */
const MOST_PARTS = 10_000;
/** With more of these it takes seconds to see how they lie. */
const MOST_KEPT = 300_000;

/**
 * A select of where all rows of a list lie, at most one row: `froms` and `untils` of ranges of pages where they lie dense,
 * the number of all old `rows` there, the `places` of the others, `file`, `before`. None where it would cost too much to
 * look at all of that in each batch.
 *
 * The newest rows mostly lie together at the end of their table. While as many old rows are there as when the run began,
 * nothing that stays was touched, for all groups at once, which for each group of a batch by itself is most of the work: 10
 * rows each of 4,000 groups for 4,000 rows to go took 40 of 51 ms.
 */
export function keptWhole({ table }: KeepingExpiry, list: KeptList): RawBuilder<unknown> {
  return sql`
    with k as materialized (
      select u.place, k.file, k.before
      from ${list.table} as k
      cross join lateral unnest(k.places) as u(place)
      where ${isOf(list)}
      limit ${MOST_KEPT} + 1
    ),
    part as materialized (
      select
        (k.place::text::point)[0]::bigint / ${PAGES}::bigint as part,
        array_agg(k.place) as places,
        max(k.before::text)::xid8 as before
      from k
      where (select count(*) from k) <= ${MOST_KEPT}
      group by 1
      -- More parts than could be looked at in a batch are not looked at here.
      limit ${MOST_PARTS}::bigint + 1
    ),
    seen as materialized (
      select
        k.part,
        k.places,
        (
          select count(*)
          from ${tableOf(table)} as t
          where
            t.ctid >= ${startOfPage(sql`k.part * ${PAGES}::bigint`)}
            and t.ctid < ${startOfPage(sql`(k.part + 1) * ${PAGES}::bigint`)}
            and ${isAsBefore()}
        ) as rows
      from part as k
    ),
    range as materialized (
      select min(part) * ${PAGES}::bigint as first, (max(part) + 1) * ${PAGES}::bigint as next, sum(rows) as rows
      from (
        select *, part - row_number() over (order by part) as island
        from seen
        where cardinality(places) >= ${DENSE}::float8 * rows
      ) as s
      group by island
    ),
    other as materialized (
      select u.place
      from seen as s
      cross join lateral unnest(s.places) as u(place)
      where cardinality(s.places) < ${DENSE}::float8 * s.rows
    )
    select
      array(select ${startOfPage(sql`first`)} from range order by first) as froms,
      array(select ${startOfPage(sql`next`)} from range order by first) as untils,
      (select coalesce(sum(rows), 0) from range) as rows,
      array(select place from other order by place) as places,
      (select max(file) from k) as file,
      (select max(before::text)::xid8 from k) as before
    where
      (select count(*) from part) between 1 and ${MOST_PARTS} and (select count(*) from range) <= ${MOST_RANGES}
      -- One that was written meanwhile would be missed by nobody who counts old rows.
      and (select count(*) from k) = (
        select count(*)
        from (select max(before::text)::xid8 as before from k) as k
        join ${tableOf(table)} as t on t.ctid = any(array(select place from k as kept)) and ${isAsBefore()}
      )
      and (select coalesce(sum(next - first), 0) from range) * ${COST.page}::float8
        + (select coalesce(sum(rows), 0) from range) * ${COST.row}::float8
        + (select count(*) from other) * ${COST.place}::float8 <= ${MOST_COST}`;
}

/**
 * Parts of a statement: `whole`, a row where nothing that stays was touched since the run began; and `sure`, the rows of an
 * earlier part, with whether it is sure by that alone that their group is full, and whether they stay.
 *
 * That holds for a row that lies where it lay when the run began, as it was, outside of the ranges: it was in its group then
 * and none of the newest, so that the group had more rows than are to stay; and those are all there. Rows inside of the
 * ranges are judged group by group; once one of them went, so are all others. They are few, and the last on most walks.
 */
export function sureOf(
  expiry: KeepingExpiry,
  list: KeptList,
  source: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const { table } = expiry;
  // A condition with a select may have another answer although no row changed.
  const usable = selects(expiry) ? sql`false` : sql`true`;
  return sql`
    whole as materialized (
      select k.*
      from ${list.whole} as k
      where
        ${usable} and ${isOf(list)} and ${isSameFile(expiry)}
        and cardinality(k.places) = (
          select count(*)
          from ${tableOf(table)} as t
          where t.ctid = any(k.places) and ${isAsBefore()}
        )
        and k.rows = (
          select coalesce(sum(p.rows), 0)
          from unnest(k.froms, k.untils) as r(first, next)
          cross join lateral (
            select count(*) as rows
            from ${tableOf(table)} as t
            where t.ctid >= r.first and t.ctid < r.next and ${isAsBefore()}
          ) as p
        )
    ),
    sure as materialized (
      select
        s.*,
        s.kept_old is true and exists (select from whole) and not exists (
          select
          from whole as w
          cross join lateral unnest(w.froms, w.untils) as r(first, next)
          where s.place >= r.first and s.place < r.next
        ) as sure,
        s.place in (select unnest(w.places) from whole as w) as stays
      from ${source} as s
    )`;
}

/** Over alias `t`: the row lies where it lay when the run began, as it was; null where nobody knows. */
export function isOldRow(list: KeptList): RawBuilder<boolean | null> {
  return sql`age(t.xmin) > (select age(k.before::xid) from ${list.whole} as k where ${isOf(list)})`;
}
