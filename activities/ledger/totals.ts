import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Ending } from '../contract.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';
import { sumReported } from './reported.ts';

/** Tables that a pass worked on outside of any transaction stand as batches of size 0. */
const WAS_TRANSACTION = sql`size > 0`;

/** The totals of the passes of a run, from its batches: a row a pass that has any. */
export function totalsOf(ledger: Ledger, run: number): RawBuilder<unknown> {
  return sql`
    select
      b.pass,
      count(*)::int as batches,
      sum(b.rows) as rows,
      sum(b.moved) as moved,
      sum(b.skipped) as skipped,
      (
        -- Rows nested in others are walked level after level, and the same holds are met in each walk.
        select max(w.held)
        from (
          select sum(i.held) as held
          from ${ledger.table('batch')} as i
          where i.run_id = ${run} and i.pass = b.pass
          group by i.round
        ) as w
      ) as held,
      sum(b.bytes) as bytes,
      sum(b.files) as files,
      min(b.oldest) as oldest,
      max(b.newest) as newest,
      bool_or(b.sampled) as sampled,
      max(b.millis) filter (where ${WAS_TRANSACTION}) as longest,
      1000 * extract(epoch from max(b.at) - min(b.at - b.millis * interval '1 ms'))::float8 as millis,
      (
        select coalesce(jsonb_object_agg(d.label, d.rows), '{}')
        from (
          select e.key as label, sum(e.value::float8) as rows
          from ${ledger.table('batch')} as i
          cross join jsonb_each_text(i.deleted) as e
          where i.run_id = ${run} and i.pass = b.pass
          group by e.key
        ) as d
      ) as deleted,
      ${sumReported(ledger, sql`i.run_id = ${run} and i.pass = b.pass`)} as reported
    from ${ledger.table('batch')} as b
    where b.run_id = ${run}
    group by b.pass`;
}

/** Writes the totals of a run that ends into its passes. */
export async function foldTotals(tx: Tx, ledger: Ledger, ending: Omit<Ending, 'database'>): Promise<void> {
  const statuses = JSON.stringify(
    ending.passes.map(({ status, error }, ordinal) => ({ ordinal, status, error: error ?? null })),
  );
  await sql`
    update ${ledger.table('pass')} as p
    set
      state = coalesce(s.status, case when t.pass is null then p.state else 'unfinished' end),
      error = s.error,
      batches = coalesce(t.batches, 0),
      rows = coalesce(t.rows, 0),
      moved = coalesce(t.moved, 0),
      skipped = coalesce(t.skipped, 0),
      held = coalesce(t.held, 0),
      bytes = coalesce(t.bytes, 0),
      files = coalesce(t.files, 0),
      oldest = t.oldest,
      newest = t.newest,
      sampled = coalesce(t.sampled, false),
      deleted = coalesce(t.deleted, '{}'),
      reported = t.reported,
      millis = coalesce(t.millis, 0)
    from ${ledger.table('pass')} as o
    left join (${totalsOf(ledger, ending.run)}) as t on t.pass = o.ordinal
    left join jsonb_to_recordset(${statuses}::jsonb) as s(ordinal int, status text, error text)
      on s.ordinal = o.ordinal
    where p.run_id = ${ending.run} and o.run_id = p.run_id and o.ordinal = p.ordinal`.execute(tx);
  await sql`
    update ${ledger.table('run')}
    set longest_transaction_millis = greatest(
      nullif(${ending.longestMillis}::float8, 0),
      (select max(millis) from ${ledger.table('batch')} where run_id = ${ending.run} and ${WAS_TRANSACTION}))
    where id = ${ending.run}`.execute(tx);
}
