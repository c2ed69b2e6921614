import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Fingerprinted } from '../facts.ts';
import { qualifiedName } from './identifiers.ts';

/**
 * A text that changes if something could make a delete in some tables reach other rows than before, or if a routine that
 * their triggers call is replaced; for use inside a statement. A foreign key to a table is a trigger of it. A new partition of a table with such a key adds no trigger, so
 * that what inherits from that table counts as well.
 *
 * All tables at once: for 9 tables it took 0.35 ms to plan and 0.4 ms to read, and 2 to 7 ms table by table; for 39 it was
 * 0.5 ms and 17 ms (PostgreSQL 18, on two busy cores).
 */
export function fingerprintSql({ tables, routines }: Fingerprinted): RawBuilder<string> {
  return sql<string>`(
    select hashtextextended(concat_ws(
      ';',
      w.oids::text,
      (
        select string_agg(
          concat_ws(
            ' ',
            g.oid,
            g.tgenabled,
            -- A function of the application may be another one meanwhile, under the same trigger. It is looked up by its oid:
            -- a join read all of pg_proc in every batch, 120 pages and 0.6 ms instead of 18 and 0.14 (explain, PostgreSQL 18).
            case when not g.tgisinternal then (select p.xmin from pg_proc as p where p.oid = g.tgfoid) end
          ),
          ','
          order by g.oid
        )
        from pg_trigger as g
        where g.tgrelid = any(w.oids)
      ),
      (
        -- Another column may have the name of one by now, or its values another meaning. For 8 tables with 116 columns this
        -- reads 8 pages in 0.15 ms.
        select string_agg(
          concat_ws(
            ' ',
            a.attrelid,
            a.attnum,
            a.attname,
            a.atttypid,
            case when a.attgenerated <> '' then (
              select d.oid from pg_attrdef as d where d.adrelid = a.attrelid and d.adnum = a.attnum
            ) end
          ),
          ','
          order by a.attrelid, a.attnum
        )
        from pg_attribute as a
        where a.attrelid = any(w.oids) and a.attnum > 0 and not a.attisdropped
      ),
      (
        select string_agg(concat_ws(' ', r.oid, r.ev_enabled), ',' order by r.oid)
        from pg_rewrite as r
        where r.ev_class = any(w.oids)
      ),
      (
        -- A partition that was detached is a table of its own: no policy names its rows.
        select string_agg(concat_ws(' ', h.inhrelid, h.inhparent, h.inhdetachpending), ',' order by h.inhrelid, h.inhparent)
        from pg_inherits as h
        where h.inhrelid = any(w.oids)
      ),
      (
        with recursive heir as (
          select h.inhrelid
          from pg_inherits as h
          where h.inhparent = any(array(
            select unnest(w.oids)
            union
            select g.tgconstrrelid from pg_trigger as g where g.tgrelid = any(w.oids)
          ))
          union
          select h.inhrelid
          from heir as a
          join pg_inherits as h on h.inhparent = a.inhrelid
        )
        select string_agg(h.inhrelid::text, ',' order by h.inhrelid) from heir as h
      )${routines.length === 0 ? sql`` : sql`, ${versionsSql(routines)}`}), 0)::text
    from (
      select array(select to_regclass(f.name)::oid from unnest(${tables.map(qualifiedName)}::text[]) as f(name)) as oids
    ) as w
  )`;
}

/** When each routine was replaced last. */
function versionsSql(routines: readonly string[]): RawBuilder<unknown> {
  return sql`(
    select string_agg(concat_ws(' ', p.oid, p.xmin), ',' order by p.oid)
    from pg_proc as p
    where p.oid = any(${routines}::text[]::oid[])
  )`;
}
