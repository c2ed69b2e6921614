import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { KeepLastExpiry } from '../../stored/expiry.ts';
import type { KeepLastList } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { selects } from './expiry.ts';
import { tableRef, pageStartSql } from './identifiers.ts';
import { isOfList, isUnchangedRow, isSameTableFile } from './keep-last.ts';

/**
 * What reading all kept rows may cost, in microseconds: a batch lasts 60,000. Pages are read in order, locations one by
 * one (100,000 rows of 1,430 pages: 8.8 ms; 40,800 locations: 28 ms; PostgreSQL 18 on 2 cores).
 */
const MAX_COST = 20_000;
const COST = { page: 2, row: 0.06, location: 0.7 } as const;
/** So many pages are counted together. */
const PAGES = 32;
/** From this share of kept rows on, reading all rows of some pages is less work than each kept one. */
const DENSE = 0.2;
/** Each row that may be deleted is compared with so many ranges. */
const MAX_RANGES = 50;
/** Each part costs its pages, or its rows one by one if few lie there. */
const MAX_PARTS = 10_000;
/** With more of these it takes seconds to see how they lie. */
const MAX_KEPT = 300_000;

/**
 * A select of where all kept rows of a list lie, at most one row: `from_tids` and `to_tids` of ranges of pages in which they
 * lie dense, the number of all old `rows` there, the `tids` of the others. No row if reading all of that in each batch
 * would cost too much.
 *
 * The newest rows mostly lie together at the end of their table. While as many old rows are there as when the run
 * started, no kept row changed, for all groups at once. Checking each group of a batch is most of the work: 10 rows each of
 * 4,000 groups took 40 of 51 ms (`npm run bench -- --case keep-last`: 76,000 rows/s, 115,000 with this).
 */
export function selectKeptLocations(
  connection: Connection,
  { table }: KeepLastExpiry,
  list: KeepLastList,
): RawBuilder<unknown> {
  return sql`
    with k as materialized (
      select u.location, k.file, k.oldest_xid
      from ${ledgerTable(connection, 'kept')} as k
      cross join lateral unnest(k.tids) as u(location)
      where ${isOfList(list)}
      limit ${MAX_KEPT} + 1
    ),
    part as materialized (
      select
        (k.location::text::point)[0]::bigint / ${PAGES}::bigint as part,
        array_agg(k.location) as tids,
        max(k.oldest_xid::text)::xid8 as oldest_xid
      from k
      where (select count(*) from k) <= ${MAX_KEPT}
      group by 1
      -- More parts than a batch could read are not counted here.
      limit ${MAX_PARTS}::bigint + 1
    ),
    seen as materialized (
      select
        k.part,
        k.tids,
        (
          select count(*)
          from ${tableRef(table)} as t
          where
            t.ctid >= ${pageStartSql(sql`k.part * ${PAGES}::bigint`)}
            and t.ctid < ${pageStartSql(sql`(k.part + 1) * ${PAGES}::bigint`)}
            and ${isUnchangedRow()}
        ) as rows
      from part as k
    ),
    range as materialized (
      select min(part) * ${PAGES}::bigint as first, (max(part) + 1) * ${PAGES}::bigint as next, sum(rows) as rows
      from (
        select *, part - row_number() over (order by part) as island
        from seen
        where cardinality(tids) >= ${DENSE}::float8 * rows
      ) as s
      group by island
    ),
    other as materialized (
      select u.location
      from seen as s
      cross join lateral unnest(s.tids) as u(location)
      where cardinality(s.tids) < ${DENSE}::float8 * s.rows
    )
    select
      array(select ${pageStartSql(sql`first`)} from range order by first) as from_tids,
      array(select ${pageStartSql(sql`next`)} from range order by first) as to_tids,
      (select coalesce(sum(rows), 0) from range) as rows,
      array(select location from other order by location) as tids,
      (select max(file) from k) as file,
      (select max(oldest_xid::text)::xid8 from k) as oldest_xid
    where
      (select count(*) from part) between 1 and ${MAX_PARTS} and (select count(*) from range) <= ${MAX_RANGES}
      -- A kept row that was written meanwhile is not among the old rows: counting those would not miss it.
      and (select count(*) from k) = (
        select count(*)
        from (select max(oldest_xid::text)::xid8 as oldest_xid from k) as k
        join ${tableRef(table)} as t on t.ctid = any(array(select location from k as kept)) and ${isUnchangedRow()}
      )
      and (select coalesce(sum(next - first), 0) from range) * ${COST.page}::float8
        + (select coalesce(sum(rows), 0) from range) * ${COST.row}::float8
        + (select count(*) from other) * ${COST.location}::float8 <= ${MAX_COST}`;
}

/**
 * Parts of a statement: `whole`, a row if no kept row changed since the run started; and `proven`, the rows of an earlier
 * part, with whether that alone proves that their group is full, and whether they stay.
 *
 * It proves so for a row that lies where it lay when the run started, unchanged, outside of the ranges: it was in its group
 * then and none of the newest, so that the group had more rows than are to stay; and those are all there. Rows inside of
 * the ranges are judged group by group. They are few, and the last of most scans.
 */
export function provenRowsSql(
  connection: Connection,
  expiry: KeepLastExpiry,
  list: KeepLastList,
  source: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const { table } = expiry;
  // A condition with a select may change although no row does.
  const usable = selects(expiry) ? sql`false` : sql`true`;
  return sql`
    whole as materialized (
      select k.*
      from ${ledgerTable(connection, 'kept_whole')} as k
      where
        ${usable} and ${isOfList(list)} and ${isSameTableFile(expiry)}
        and cardinality(k.tids) = (
          select count(*)
          from ${tableRef(table)} as t
          where t.ctid = any(k.tids) and ${isUnchangedRow()}
        )
        and k.rows = (
          select coalesce(sum(p.rows), 0)
          from unnest(k.from_tids, k.to_tids) as r(first, next)
          cross join lateral (
            select count(*) as rows
            from ${tableRef(table)} as t
            where t.ctid >= r.first and t.ctid < r.next and ${isUnchangedRow()}
          ) as p
        )
    ),
    proven as materialized (
      select
        s.*,
        s.kept_old is true and exists (select from whole) and not exists (
          select
          from whole as w
          cross join lateral unnest(w.from_tids, w.to_tids) as r(first, next)
          where s.location >= r.first and s.location < r.next
        ) as is_proven,
        s.location in (select unnest(w.tids) from whole as w) as stays
      from ${source} as s
    )`;
}

/** Over alias `t`: the row lies where it lay when the run started, unchanged; null if that is not known. */
export function isOlderThanRun(connection: Connection, list: KeepLastList): RawBuilder<boolean | null> {
  return sql`age(t.xmin) > (select age(k.oldest_xid::xid) from ${ledgerTable(connection, 'kept_whole')} as k where ${isOfList(list)})`;
}
