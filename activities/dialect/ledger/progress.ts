import { sql } from 'kysely';

import type { ShardBatches, ShardKey } from '../../stored/batch.ts';
import type { Cursor } from '../../stored/cursor.ts';
import type { ProgressPass } from '../../stored/progress.ts';
import type { ProgressStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';
import { sum } from './sum-reported.ts';

type ShardRow = ShardBatches & Pick<ShardKey, 'pass' | 'shard'>;

/** The speed is that of the last batches: 20 s of them, if each takes 100 ms. */
const RECENT_BATCHES = 200;
/** Longer between two batches, beyond the policy's own pause, nobody works: a pause, an outage or a dead attempt. */
const MAX_IDLE_MILLIS = 15_000;

interface LastBatch extends Pick<ShardKey, 'pass' | 'shard'> {
  readonly round: number;
  readonly sequence: number;
  readonly cursor: unknown;
  readonly done: unknown;
  readonly at: number;
  readonly rows: number;
  readonly own: number | null;
  /** The pause of the policy after each batch, in milliseconds. */
  readonly pause: number;
}

interface RecentBatch {
  readonly cursor: unknown;
  readonly rows: number;
  readonly millis: number;
  readonly at: number;
}

/** The last batches of open runs. */
export class SqlProgressStore implements ProgressStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async readPasses(run: number, pass?: number): Promise<ProgressPass[]> {
    const rows = await this.#sql.rows(sql<Omit<ProgressPass, 'shards'> & { readonly shards: unknown }>`
      select
        p.name, p.ordinal, p.shards, cast(p.stored ->> 'rowsPerParent' as float8) as "rowsPerParent",
        coalesce(sum(b.rows), 0) as rows, cast(count(b.sequence) as integer) as batches
      from ${this.#sql.table('pass')} as p
      left join ${this.#sql.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where p.run_id = ${run} and ${pass === undefined ? sql`true` : sql`p.ordinal = ${pass}`}
      group by p.run_id, p.ordinal
      order by p.ordinal`);
    return rows.map((row) => ({ ...row, shards: this.#sql.parse(row.shards) }));
  }

  async readShards(run: number, key?: Pick<ShardKey, 'pass' | 'shard'>): Promise<ShardRow[]> {
    const batch = this.#sql.table('batch');
    const where = key === undefined ? sql`true` : sql`b.pass = ${key.pass} and b.shard = ${key.shard}`;
    const last = await this.#sql.rows(sql<LastBatch>`
      select
        b.pass, b.shard, b.round, b.sequence, b.cursor, b.done, ${this.#sql.millis(sql`b.at`)} as at,
        cast(r.settings ->> 'pauseMillis' as float8) as pause,
        (
          select sum(i.rows) from ${batch} as i
          where i.run_id = b.run_id and i.pass = b.pass and i.shard = b.shard and i.round = b.round
        ) as rows,
        (
          select sum(cast(d.value as float8))
          from ${batch} as i
          join ${this.#sql.table('pass')} as p on p.run_id = i.run_id and p.ordinal = i.pass
          join ${this.#sql.members('i.deleted')} as d on d.key = p.stored -> 'table' ->> 'label'
          where i.run_id = b.run_id and i.pass = b.pass and i.shard = b.shard and i.round = b.round
        ) as own
      from (
        select b.pass, b.shard, max(b.sequence) as sequence
        from ${batch} as b
        where b.run_id = ${run} and ${where}
        group by b.pass, b.shard
      ) as l
      join ${batch} as b
        on b.run_id = ${run} and b.pass = l.pass and b.shard = l.shard and b.sequence = l.sequence
      join ${this.#sql.table('run')} as r on r.id = b.run_id`);
    const shards: ShardRow[] = [];
    for (const shard of last) shards.push(await this.#measure(run, shard));
    return shards;
  }

  /**
   * Of the last batches only the second half of their time counts, since sizes start small and grow: with all but the
   * first 150 ms, ETAs after half a second were 7 to 18 % too long, with the half -1 to 6 % (10 million logs, 4 rounds).
   */
  async #measure(run: number, last: LastBatch): Promise<ShardRow> {
    const { pass, shard, round, sequence, pause } = last;
    const recent = await this.#sql.rows(sql<RecentBatch>`
      select cursor, rows, millis, ${this.#sql.millis(sql`at`)} as at
      from ${this.#sql.table('batch')}
      where
        run_id = ${run} and pass = ${pass} and shard = ${shard} and round = ${round}
        and sequence > ${sequence - RECENT_BATCHES} and sequence <= ${sequence}
      order by sequence`);
    const steps = recent.map((batch, n) => {
      const before = recent[n - 1];
      const idle = before === undefined ? 0 : batch.at - before.at - batch.millis;
      return batch.millis + (idle >= 0 && idle <= MAX_IDLE_MILLIS + pause ? idle : 0);
    });
    const total = sum(steps);
    let from = -1;
    let spent = 0;
    for (const [n, step] of steps.entries()) {
      spent += step;
      const isOldest = n === 0 && recent.length === RECENT_BATCHES;
      if (n < steps.length - 1 && (spent <= total / 2 || isOldest)) from = n;
    }
    const counted = recent.slice(from + 1);
    return {
      pass,
      shard,
      round,
      done: Boolean(last.done),
      at: last.at,
      cursor: this.#sql.parse<Cursor>(last.cursor),
      rows: last.rows,
      ownRows: last.own ?? 0,
      fromCursor: this.#sql.parse<Cursor>(recent[from]?.cursor ?? null),
      recentRows: sum(counted.map(({ rows }) => rows)),
      recentMillis: sum(steps.slice(from + 1)),
    };
  }
}
