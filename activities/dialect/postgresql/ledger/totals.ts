import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReportedRows } from '../../../stored/report.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Tables that a pass worked on outside of any transaction stand as batches of size 0. */
export const WAS_TRANSACTION = sql`size > 0`;

/** A select of the totals of the passes of some runs, from their batches: a row for each pass that has any. */
export function selectTotals(connection: Connection, runs: RawBuilder<unknown>): RawBuilder<unknown> {
  const batch = ledgerTable(connection, 'batch');
  return sql`
    select
      b.run_id,
      b.pass,
      count(*)::int as batches,
      sum(b.rows) as rows,
      sum(b.moved) as moved,
      sum(b.skipped) as skipped,
      (
        -- Rows nested in others are scanned level after level, and the same holds are met in each scan.
        select max(w.held)
        from (
          select sum(i.held) as held
          from ${batch} as i
          where i.run_id = b.run_id and i.pass = b.pass
          group by i.round
        ) as w
      ) as held,
      (
        -- A row that another round deletes was not kept: the last one tells.
        select sum(i.blocked)
        from ${batch} as i
        where i.run_id = b.run_id and i.pass = b.pass and i.round = max(b.round)
      ) as blocked,
      sum(b.bytes) as bytes,
      sum(b.files) as files,
      max(b.millis) filter (where ${WAS_TRANSACTION}) as longest,
      1000 * extract(epoch from max(b.at) - min(b.at - b.millis * interval '1 ms'))::float8 as millis,
      (
        select coalesce(jsonb_object_agg(d.label, d.rows), '{}')
        from (
          select e.key as label, sum(e.value::float8) as rows
          from ${batch} as i
          cross join jsonb_each_text(i.deleted) as e
          where i.run_id = b.run_id and i.pass = b.pass
          group by e.key
        ) as d
      ) as deleted,
      ${sumReported(connection, sql`i.run_id = b.run_id and i.pass = b.pass`)} as reported
    from ${batch} as b
    where b.run_id in (${runs})
    group by b.run_id, b.pass`;
}

/** Adds up what batches `b` of a group reported; null if none did. `of` says which these are, over alias `i`. */
export function sumReported(
  connection: Connection,
  of: RawBuilder<unknown>,
): RawBuilder<ReportedRows | null> {
  return sql`
    case when bool_or(b.reported is not null) then jsonb_build_object(
      'found', sum((b.reported ->> 'found')::float8),
      'resolved', sum((b.reported ->> 'resolved')::float8),
      'unresolved', (
        select coalesce(jsonb_object_agg(u.reason, u.rows), '{}')
        from (
          select e.key as reason, sum(e.value::float8) as rows
          from ${ledgerTable(connection, 'batch')} as i
          cross join jsonb_each_text(i.reported -> 'unresolved') as e
          where ${of}
          group by e.key
        ) as u
      ),
      'oldest', min(b.reported ->> 'oldest' collate "C")
    ) || case
      when bool_or(b.reported -> 'bytes' is not null)
        then jsonb_build_object('bytes', sum((b.reported ->> 'bytes')::float8))
      else '{}'
    end end`;
}
