import { sql } from 'kysely';

import type { Position, RoundTotals, ShardKey } from '../../stored/batch.ts';
import type { ReportedRows } from '../../stored/report.ts';
import type { BatchStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';
import { sumReported } from './sum-reported.ts';

/** Batches are kept so long after their run ended; the run and the totals of its passes stay. */
const KEEP_MILLIS = 7 * 24 * 3600 * 1000;

/** The batches of runs, once they are recorded. */
export class SqlBatchStore implements Omit<BatchStore, 'record'> {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async findLast(key: ShardKey): Promise<Position | undefined> {
    type Row = Omit<Position, 'cursor' | 'done'> & Readonly<Record<'cursor' | 'done', unknown>>;
    const [row] = await this.#sql.rows(sql<Row>`
      select sequence, round, cursor, done, size
      from ${this.#sql.table('batch')}
      where run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard}
      order by sequence desc
      limit 1`);
    return row && { ...row, cursor: this.#sql.parse(row.cursor), done: Boolean(row.done) };
  }

  async sumRound(key: ShardKey, round: number): Promise<RoundTotals> {
    const inRound = sql`
      run_id = ${key.run} and pass = ${key.pass} and shard = ${key.shard} and round = ${round}`;
    const [row] = await this.#sql.rows(sql<Omit<RoundTotals, 'reported'>>`
      select
        cast(count(*) as integer) as batches, coalesce(sum(rows), 0) as rows, coalesce(sum(skipped), 0) as skipped
      from ${this.#sql.table('batch')}
      where ${inRound}`);
    const reported = await this.#sql.rows(sql<{ reported: unknown }>`
      select reported from ${this.#sql.table('batch')} where ${inRound} and reported is not null`);
    return {
      ...(row ?? { batches: 0, rows: 0, skipped: 0 }),
      reported: sumReported(reported.map((one) => this.#sql.parse<ReportedRows>(one.reported))),
    };
  }

  async findCountedFiles(policy: string, pass: string, root: string): Promise<number | undefined> {
    const [row] = await this.#sql.rows(sql<{ files: number }>`
      select cast(b.cursor -> 'listing' ->> 'files' as float8) as files
      from ${this.#sql.table('run')} as r
      join ${this.#sql.table('pass')} as p on p.run_id = r.id
      join ${this.#sql.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where
        r.policy = ${policy} and p.name = ${pass} and p.kind = 'sweepStrayFiles' and r.batches_kept
        and p.stored -> 'root' ->> 'name' = ${root}
        and b.cursor ->> 'listing' is not null
        and (b.done or cast(b.cursor -> 'listing' -> 'removing' as text) = 'true')
      order by b.run_id desc, b.sequence desc
      limit 1`);
    return row?.files;
  }

  async prune(): Promise<void> {
    const run = this.#sql.table('run');
    const isOld = sql`batches_kept and ended_at < ${this.#sql.now(-KEEP_MILLIS)}`;
    const which = sql`(select id from ${run} where ${isOld})`;
    await this.#sql.change(sql`delete from ${this.#sql.table('batch')} where run_id in ${which}`);
    await this.#sql.change(sql`delete from ${this.#sql.table('reclaim')} where run_id in ${which}`);
    await this.#sql.change(sql`update ${this.#sql.table('pass')} set stored = '{}' where run_id in ${which}`);
    // Last: if it is not reached, the next run does it all again.
    await this.#sql.change(sql`update ${run} set batches_kept = false where ${isOld}`);
  }
}
