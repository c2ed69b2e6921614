import { sql } from 'kysely';

import type { ShardBatches, ShardKey } from '../../../stored/batch.ts';
import type { Cursor } from '../../../stored/cursor.ts';
import type { ProgressPass } from '../../../stored/progress.ts';
import type { RunSettings } from '../../../stored/run.ts';
import type { ProgressStore } from '../../ledger-store.ts';
import { LedgerPart, parseJson, parseJsonOrNull } from './ledger-part.ts';
import { sum } from './totals.ts';

type ShardRow = ShardBatches & Pick<ShardKey, 'pass' | 'shard'>;

/** The speed is that of the last batches. */
const RECENT_BATCHES = 200;
/** Longer between two batches, beyond the policy's own pause, nobody works: a pause, an outage or a dead attempt. */
const MAX_IDLE_MILLIS = 15_000;

interface LastBatch extends Pick<ShardKey, 'pass' | 'shard'> {
  readonly round: number;
  readonly sequence: number;
  readonly cursor: string | null;
  readonly done: number;
  readonly at: number;
  readonly rows: number;
  readonly own: number | null;
}

interface RecentBatch {
  readonly cursor: string | null;
  readonly rows: number;
  readonly millis: number;
  readonly at: number;
}

/** The last batches of open runs. */
export class SqliteProgressStore extends LedgerPart implements ProgressStore {
  async readPasses(run: number, pass?: number): Promise<ProgressPass[]> {
    const rows = await this.rows(sql<Omit<ProgressPass, 'shards'> & { readonly shards: string }>`
      select
        p.name, p.ordinal, p.shards, p.stored ->> '$.rowsPerParent' as "rowsPerParent",
        coalesce(sum(b.rows), 0) as rows, count(b.sequence) as batches
      from ${this.table('pass')} as p
      left join ${this.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where p.run_id = ${run} and ${pass === undefined ? sql`true` : sql`p.ordinal = ${pass}`}
      group by p.run_id, p.ordinal
      order by p.ordinal`);
    return rows.map((row) => ({ ...row, shards: parseJson(row.shards) }));
  }

  async readShards(run: number, key?: Pick<ShardKey, 'pass' | 'shard'>): Promise<ShardRow[]> {
    const batch = this.table('batch');
    const where = key === undefined ? sql`true` : sql`b.pass = ${key.pass} and b.shard = ${key.shard}`;
    const last = await this.rows(sql<LastBatch>`
      select
        b.pass, b.shard, b.round, b.sequence, b.cursor, b.done, b.at,
        (
          select sum(i.rows) from ${batch} as i
          where i.run_id = b.run_id and i.pass = b.pass and i.shard = b.shard and i.round = b.round
        ) as rows,
        (
          select sum(d.value)
          from ${batch} as i, json_each(i.deleted) as d
          join ${this.table('pass')} as p on p.run_id = i.run_id and p.ordinal = i.pass
          where
            i.run_id = b.run_id and i.pass = b.pass and i.shard = b.shard and i.round = b.round
            and d.key = p.stored ->> '$.table.label'
        ) as own
      from ${batch} as b
      where
        b.run_id = ${run} and ${where}
        and b.sequence = (
          select max(l.sequence) from ${batch} as l
          where l.run_id = b.run_id and l.pass = b.pass and l.shard = b.shard
        )`);
    const [settings] = await this.rows(sql<{ settings: string }>`
      select settings from ${this.table('run')} where id = ${run}`);
    const pause = settings === undefined ? 0 : parseJson<RunSettings>(settings.settings).pauseMillis;
    const shards: ShardRow[] = [];
    for (const shard of last) shards.push(await this.#measure(run, shard, pause));
    return shards;
  }

  /** Of the last batches only the second half of their time counts, since sizes start small and double. */
  async #measure(run: number, last: LastBatch, pause: number): Promise<ShardRow> {
    const { pass, shard, round, sequence } = last;
    const recent = await this.rows(sql<RecentBatch>`
      select cursor, rows, millis, at
      from ${this.table('batch')}
      where
        run_id = ${run} and pass = ${pass} and shard = ${shard} and round = ${round}
        and sequence > ${sequence - RECENT_BATCHES}
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
      done: last.done === 1,
      at: last.at,
      cursor: parseJsonOrNull<Cursor>(last.cursor),
      rows: last.rows,
      ownRows: last.own ?? 0,
      fromCursor: from === -1 ? null : parseJsonOrNull<Cursor>(recent[from]?.cursor ?? null),
      recentRows: sum(counted.map(({ rows }) => rows)),
      recentMillis: sum(steps.slice(from + 1)),
    };
  }
}
