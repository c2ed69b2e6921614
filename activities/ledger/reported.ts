import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReportedRows } from '../passes/index.ts';
import type { Ledger } from './ledger.ts';

/** What was found, added up over batches `b` of a group; null where none reports. `of` says which, over alias `i`. */
export function sumReported(ledger: Ledger, of: RawBuilder<boolean>): RawBuilder<ReportedRows | null> {
  return sql`
    case when bool_or(b.reported is not null) then jsonb_build_object(
      'found', sum((b.reported ->> 'found')::float8),
      'resolved', sum((b.reported ->> 'resolved')::float8),
      'unresolved', (
        select coalesce(jsonb_object_agg(u.reason, u.rows), '{}')
        from (
          select e.key as reason, sum(e.value::float8) as rows
          from ${ledger.table('batch')} as i
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

/** Milliseconds since the epoch as the ledger and reports write them; null where JavaScript cannot, as for infinity. */
export function instantOf(millis: number | null): string | null {
  const date = new Date(millis ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
