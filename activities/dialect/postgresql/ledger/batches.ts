import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { BatchResult, Position, RoundTotals, ShardKey } from '../../../stored/batch.ts';
import type { BatchRecord, BatchStore } from '../../ledger-store.ts';
import { deletedSince } from '../deletion-counters.ts';
import { fingerprintSql } from '../fingerprints.ts';
import { LedgerPart } from './ledger-part.ts';
import { sumReported } from './totals.ts';

/** Batches are kept so long after their run ended; the run and the totals of its passes stay. */
const KEEP_DAYS = 7;

/** The batches of runs. */
export class PostgresBatchStore extends LedgerPart implements BatchStore {
  async findLast(key: ShardKey): Promise<Position | undefined> {
    const { rows } = await sql<Position>`
      select sequence, round, cursor, done, size
      from ${this.table('batch')}
      where run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard}
      order by sequence desc
      limit 1`.execute(this.db);
    return rows[0];
  }

  async sumRound(key: ShardKey, round: number): Promise<RoundTotals> {
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
        ${sumReported(this.connection, inRound('i'))} as reported
      from ${this.table('batch')} as b
      where ${inRound('b')}`.execute(this.db);
    return rows[0] ?? { batches: 0, rows: 0, skipped: 0, reported: null };
  }

  async record(record: BatchRecord, result: BatchResult): Promise<number | undefined> {
    const { rows } = await sql<{ rows: number }>`
      insert into ${this.table('batch')}
        (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, held, blocked, cursor, done, size, bytes, files,
        millis, reported)
      select
        r.id, ${record.pass}::int, ${record.shard}::int, ${record.sequence}::int, ${record.round}::int,
        (select coalesce(sum(value::float8), 0) from jsonb_each_text(d.deleted)), d.deleted,
        ${result.moved}::float8, ${result.skipped}::float8, ${result.held ?? 0}::float8,
        ${result.blocked ?? 0}::float8,
        ${JSON.stringify(result.cursor)}::jsonb, ${result.done}::boolean, ${record.size}::int,
        ${result.bytes ?? 0}::float8, ${result.files ?? 0}::float8,
        coalesce(${record.millis ?? null}::float8, 1000 * extract(epoch from clock_timestamp() - now())),
        ${result.reported === undefined ? null : JSON.stringify(result.reported)}::jsonb
      from ${this.table('run')} as r
      cross join (
        select ${deletedSince(record.counters)} || ${JSON.stringify(result.dropped ?? {})}::jsonb as deleted) as d
      where r.id = ${record.run} and r.ended_at is null and ${isUnchanged(record)}
      on conflict do nothing
      returning rows`.execute(this.db);
    return rows[0]?.rows;
  }

  async findCountedFiles(policy: string, pass: string, root: string): Promise<number | undefined> {
    const { rows } = await sql<{ files: number }>`
      select (b.cursor #>> '{listing,files}')::float8 as files
      from ${this.table('run')} as r
      join ${this.table('pass')} as p on p.run_id = r.id
      join ${this.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where
        r.policy = ${policy} and p.name = ${pass} and p.kind = 'sweepStrayFiles' and r.batches_kept
        and p.stored #>> '{root,name}' = ${root}
        and b.cursor ? 'listing' and (b.done or b.cursor #>> '{listing,removing}' = 'true')
      order by b.run_id desc, b.sequence desc
      limit 1`.execute(this.db);
    return rows[0]?.files;
  }

  async prune(): Promise<void> {
    await sql`
      with old as (
        update ${this.table('run')}
        set batches_kept = false
        where batches_kept and ended_at < now() - make_interval(days => ${KEEP_DAYS}::int)
        returning id
      ),
      emptied as (
        update ${this.table('pass')}
        set stored = '{}'
        where run_id in (select id from old)
      ),
      forgotten as (
        delete from ${this.table('reclaim')}
        where run_id in (select id from old)
      )
      delete from ${this.table('batch')}
      where run_id in (select id from old)`.execute(this.db);
  }
}

/**
 * The tables are as they were when the run started; for use inside a statement after the deletes. Nobody can add a foreign
 * key, a trigger or a rule to a table from which this transaction has deleted, until it ends.
 */
function isUnchanged({ unchanged }: BatchRecord): RawBuilder<boolean> {
  if (unchanged === undefined) return sql`true`;
  return sql`${fingerprintSql(unchanged)} = ${unchanged.fingerprint}`;
}
