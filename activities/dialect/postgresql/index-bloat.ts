import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/**
 * A `lateral` over alias `c` of `pg_class`, `s` of its schema, `l.live` rows and `column_width`: the bytes and percent of the
 * B-tree indexes of a table that their entries do not need. Null if the table was never analyzed. Many equal keys take less than is assumed
 * (deduplication), so that such an index shows less bloat than it has.
 *
 * A page has a head of 24 bytes and 16 at its end, and is filled to 90 % unless the index says otherwise. An entry has a pointer
 * of 4 bytes and a head of 8, and ends at a multiple of 8. Some pages more hold the tree together. See "Physical Structure" of
 * B-tree indexes in the manual.
 */
export function estimateIndexBloat(): RawBuilder<unknown> {
  return sql`lateral (
    select
      sum(b.bytes) as bytes,
      round((100 * sum(b.bytes) / greatest(1, sum(pg_relation_size(x.oid))))::numeric, 1) as percent
    from pg_index as i
    join pg_class as x on x.oid = i.indexrelid
    join pg_am as method on method.oid = x.relam and method.amname = 'btree'
    cross join lateral (
      select 12 + 8 * ceil(sum(a.bytes) / 8) as bytes
      from unnest(i.indkey::int2[]) with ordinality as k(column_number, n)
      join pg_attribute as named
        on named.attrelid = case k.column_number when 0 then x.oid else c.oid end
        and named.attnum = case k.column_number when 0 then k.n else k.column_number end
      -- Of an expression the statistics are those of the index.
      join column_width as a
        on a.schemaname = s.nspname and a.attname = named.attname
        and a.tablename = case k.column_number when 0 then x.relname else c.relname end
    ) as entry
    cross join lateral (
      select
        case when i.indpred is null then l.live else least(l.live, greatest(0, x.reltuples)) end as entries,
        coalesce((
          select substring(o from 'fillfactor=(\\d+)')::float8
          from unnest(x.reloptions) as o
          where o like 'fillfactor=%'), 90) / 100 as fill,
        current_setting('block_size')::float8 as block
    ) as shape
    cross join lateral (
      select greatest(0, pg_relation_size(x.oid) - shape.block * (
        1 + ceil(1.02 * shape.entries / greatest(1, floor((shape.block - 40) * shape.fill / entry.bytes))))) as bytes
    ) as b
    where i.indrelid = c.oid and i.indisvalid and entry.bytes is not null
  )`;
}
