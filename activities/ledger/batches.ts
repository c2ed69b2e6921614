import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Cursor } from '../batch/cursor.ts';
import type { BatchOutcome, ReportedRows } from '../passes/index.ts';
import type { DeletionCounters } from '../sql/deletion-counters.ts';
import { deletedSince } from '../sql/deletion-counters.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';
import { instantOf, sumReported } from './reported.ts';

/** A shard of a pass of a run: what its batches are numbered in. */
export interface ShardKey {
  readonly run: number;
  readonly pass: number;
  readonly shard: number;
}

/** Where a shard stands: its last batch. */
export interface Position {
  readonly sequence: number;
  readonly round: number;
  readonly cursor: Cursor;
  readonly done: boolean;
  readonly size: number;
}

/** Totals of a shard in one round. */
export interface RoundTotals {
  readonly batches: number;
  readonly rows: number;
  readonly skipped: number;
  readonly reported: ReportedRows | null;
}

/** The last batch of a shard; undefined before its first. */
export async function findPosition(ledger: Ledger, key: ShardKey): Promise<Position | undefined> {
  const { rows } = await sql<Position>`
    select sequence, round, cursor, done, size
    from ${ledger.table('batch')}
    where run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard}
    order by sequence desc
    limit 1`.execute(ledger.db);
  return rows[0];
}

export async function totalOf(ledger: Ledger, key: ShardKey, round: number): Promise<RoundTotals> {
  const inRound = (alias: string): RawBuilder<boolean> => sql`
    ${sql.id(alias, 'run_id')} = ${key.run}
    and ${sql.id(alias, 'pass')} = ${key.pass}
    and ${sql.id(alias, 'shard')} = ${key.shard}
    and ${sql.id(alias, 'round')} = ${round}`;
  const { rows } = await sql<RoundTotals>`
    select
      count(*)::int as batches,
      coalesce(sum(b.rows), 0) as rows,
      coalesce(sum(b.skipped), 0) as skipped,
      ${sumReported(ledger, inRound('i'))} as reported
    from ${ledger.table('batch')} as b
    where ${inRound('b')}`.execute(ledger.db);
  return rows[0] ?? { batches: 0, rows: 0, skipped: 0, reported: null };
}

/** What the ledger keeps of a batch beyond what it did. */
export interface BatchRecord extends ShardKey {
  readonly sequence: number;
  readonly round: number;
  readonly size: number;
  readonly counters: DeletionCounters;
  /** How long the work took, where it was not done in the transaction of this row. */
  readonly millis?: number;
}

/**
 * Writes a batch into the ledger, in the transaction of its deletes. Answers the rows deleted in all tables;
 * undefined where another attempt has written a batch of this number or the run is closed: then the transaction
 * must be rolled back.
 */
export async function recordBatch(
  tx: Tx,
  ledger: Ledger,
  record: BatchRecord,
  outcome: BatchOutcome,
): Promise<number | undefined> {
  const { rows } = await sql<{ rows: number }>`
    insert into ${ledger.table('batch')}
      (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, held, cursor, done, size, bytes, files, millis,
      reported, oldest, newest, sampled)
    select
      r.id, ${record.pass}::int, ${record.shard}::int, ${record.sequence}::int, ${record.round}::int,
      (select coalesce(sum(value::float8), 0) from jsonb_each_text(d.deleted)), d.deleted,
      ${outcome.moved}::float8, ${outcome.skipped}::float8, ${outcome.held ?? 0}::float8, ${JSON.stringify(outcome.cursor)}::jsonb,
      ${outcome.end}::boolean, ${record.size}::int, ${outcome.bytes ?? 0}::float8, ${outcome.files ?? 0}::float8,
      coalesce(${record.millis ?? null}::float8, 1000 * extract(epoch from clock_timestamp() - now())),
      ${outcome.reported === undefined ? null : JSON.stringify(outcome.reported)}::jsonb,
      ${instantOf(outcome.span?.oldest ?? null)}::timestamptz, ${instantOf(outcome.span?.newest ?? null)}::timestamptz,
      ${outcome.span?.sampled ?? false}::boolean
    from ${ledger.table('run')} as r
    cross join (select ${deletedSince(record.counters)} as deleted) as d
    where r.id = ${record.run} and r.ended_at is null
    on conflict do nothing
    returning rows`.execute(tx);
  return rows[0]?.rows;
}

/** Batches are kept so long after their run ended; the run and the totals of its passes stay. */
const KEEP_DAYS = 7;

/** Removes the batches, the journal and the frozen passes of runs that ended long ago. */
export async function pruneBatches(ledger: Ledger): Promise<void> {
  await sql`
    with old as (
      update ${ledger.table('run')}
      set batches_kept = false
      where batches_kept and ended_at < now() - make_interval(days => ${KEEP_DAYS}::int)
      returning id
    ),
    thawed as (
      update ${ledger.table('pass')}
      set frozen = '{}'
      where run_id in (select id from old)
    ),
    forgotten as (
      delete from ${ledger.table('reclaim')}
      where run_id in (select id from old)
    )
    delete from ${ledger.table('batch')}
    where run_id in (select id from old)`.execute(ledger.db);
}
