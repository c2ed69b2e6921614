import { sql } from 'kysely';

import type { BatchResult, Position, RoundTotals, ShardKey } from '../../../stored/batch.ts';
import type { ReportedRows } from '../../../stored/report.ts';
import type { BatchRecord, BatchStore } from '../../ledger-store.ts';
import { readDeleted } from '../deletion-counters.ts';
import { readFingerprint } from '../fingerprints.ts';
import { LedgerPart, parseJson, parseJsonOrNull } from './ledger-part.ts';
import { sumReported } from './totals.ts';

/** Batches are kept so long after their run ended; the run and the totals of its passes stay. */
const KEEP_MILLIS = 7 * 24 * 3600 * 1000;

/** The batches of runs. */
export class SqliteBatchStore extends LedgerPart implements BatchStore {
  async findLast(key: ShardKey): Promise<Position | undefined> {
    type Row = Omit<Position, 'cursor' | 'done'> & { readonly cursor: string | null; readonly done: number };
    const [row] = await this.rows(sql<Row>`
      select sequence, round, cursor, done, size
      from ${this.table('batch')}
      where run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard}
      order by sequence desc
      limit 1`);
    return row && { ...row, cursor: parseJsonOrNull(row.cursor), done: row.done === 1 };
  }

  async sumRound(key: ShardKey, round: number): Promise<RoundTotals> {
    const inRound = sql`
      run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard} and round = ${round}`;
    const [row] = await this.rows(sql<Omit<RoundTotals, 'reported'>>`
      select count(*) as batches, coalesce(sum(rows), 0) as rows, coalesce(sum(skipped), 0) as skipped
      from ${this.table('batch')}
      where ${inRound}`);
    const reported = await this.rows(sql<{ reported: string }>`
      select reported from ${this.table('batch')} where ${inRound} and reported is not null`);
    return {
      ...(row ?? { batches: 0, rows: 0, skipped: 0 }),
      reported: sumReported(reported.map((one) => parseJson<ReportedRows>(one.reported))),
    };
  }

  async record(record: BatchRecord, result: BatchResult): Promise<number | undefined> {
    const { unchanged } = record;
    if (unchanged !== undefined) {
      const fingerprint = await readFingerprint(this.connection, unchanged.tables);
      if (fingerprint !== unchanged.fingerprint) return undefined;
    }
    const deleted = { ...(await readDeleted(this.connection, record.counters)), ...result.dropped };
    const rows = Object.values(deleted).reduce((sum, count) => sum + count, 0);
    const written = await this.change(sql`
      insert into ${this.table('batch')}
        (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, held, blocked, cursor, done, size, bytes, files,
        millis, at, reported)
      select
        r.id, ${record.pass}, ${record.shard}, ${record.sequence}, ${record.round},
        ${rows}, ${JSON.stringify(deleted)},
        ${result.moved}, ${result.skipped}, ${result.held ?? 0}, ${result.blocked ?? 0},
        ${result.cursor === null ? null : JSON.stringify(result.cursor)}, ${result.done}, ${record.size},
        ${result.bytes ?? 0}, ${result.files ?? 0},
        ${record.millis ?? this.#millisSinceStart()}, ${Date.now()},
        ${result.reported === undefined ? null : JSON.stringify(result.reported)}
      from ${this.table('run')} as r
      where r.id = ${record.run} and r.ended_at is null
      on conflict do nothing`);
    return written === 0 ? undefined : rows;
  }

  async findCountedFiles(policy: string, pass: string, root: string): Promise<number | undefined> {
    const [row] = await this.rows(sql<{ files: number }>`
      select b.cursor ->> '$.listing.files' as files
      from ${this.table('run')} as r
      join ${this.table('pass')} as p on p.run_id = r.id
      join ${this.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where
        r.policy = ${policy} and p.name = ${pass} and p.kind = 'sweepStrayFiles' and r.batches_kept
        and p.stored ->> '$.root.name' = ${root}
        and b.cursor ->> '$.listing' is not null
        and (b.done or b.cursor ->> '$.listing.removing')
      order by b.run_id desc, b.sequence desc
      limit 1`);
    return row?.files;
  }

  async prune(): Promise<void> {
    const [run, old] = [this.table('run'), Date.now() - KEEP_MILLIS];
    const which = sql`(select id from ${run} where batches_kept and ended_at < ${old})`;
    await this.change(sql`delete from ${this.table('batch')} where run_id in ${which}`);
    await this.change(sql`delete from ${this.table('reclaim')} where run_id in ${which}`);
    await this.change(sql`update ${this.table('pass')} set stored = '{}' where run_id in ${which}`);
    // Last: if it is not reached, the next run does it all again.
    await this.change(sql`update ${run} set batches_kept = 0 where batches_kept and ended_at < ${old}`);
  }

  /** How long the transaction has held the write lock. */
  #millisSinceStart(): number {
    return performance.now() - (this.connection.startedAt ?? performance.now());
  }
}
