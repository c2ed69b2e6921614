import { sql } from 'kysely';

import type { ShardBatches, ShardKey } from '../../../stored/batch.ts';
import type { ProgressPass } from '../../../stored/progress.ts';
import type { ProgressStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

type ShardRow = ShardBatches & Pick<ShardKey, 'pass' | 'shard'>;

/** The speed is that of the last batches: 20 s of them, if each takes 100 ms. */
const RECENT_BATCHES = 200;
/** Longer between two batches, beyond the policy's own pause, nobody works: a pause, an outage or a dead attempt. */
const MAX_IDLE_MILLIS = 15_000;

/** The last batches of open runs. */
export class PostgresProgressStore extends LedgerPart implements ProgressStore {
  async readPasses(run: number, pass?: number): Promise<ProgressPass[]> {
    const { rows } = await sql<ProgressPass>`
      select
        p.name, p.ordinal, p.shards, (p.stored ->> 'rowsPerParent')::float8 as "rowsPerParent",
        coalesce(sum(b.rows), 0) as rows, count(b.sequence)::int as batches
      from ${this.table('pass')} as p
      left join ${this.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
      where p.run_id = ${run} and ${pass === undefined ? sql`true` : sql`p.ordinal = ${pass}`}
      group by p.run_id, p.ordinal
      order by p.ordinal`.execute(this.db);
    return rows;
  }

  /**
   * Of the last batches only the second half of their time counts, since sizes start small and double: with all but the
   * first 150 ms, ETAs after half a second were 7 to 18 % too long, with the half -1 to 6 % (10 million logs, 4 rounds).
   */
  async readShards(run: number, key?: Pick<ShardKey, 'pass' | 'shard'>): Promise<ShardRow[]> {
    const batch = this.table('batch');
    const where = key === undefined ? sql`true` : sql`b.pass = ${key.pass} and b.shard = ${key.shard}`;
    const { rows } = await sql<ShardRow>`
      with last as (
        select distinct on (b.pass, b.shard) b.pass, b.shard, b.round, b.sequence, b.cursor, b.done, b.at
        from ${batch} as b
        where b.run_id = ${run} and ${where}
        order by b.pass, b.shard, b.sequence desc
      ),
      recent as (
        select
          b.pass, b.shard, b.sequence, b.cursor, b.rows, b.millis, l.sequence - b.sequence as age,
          1000 * extract(epoch from b.at - lag(b.at) over (partition by b.pass, b.shard order by b.sequence)) - b.millis as idle
        from last as l
        join ${batch} as b
          on b.run_id = ${run} and b.pass = l.pass and b.shard = l.shard and b.round = l.round
          and b.sequence > l.sequence - ${RECENT_BATCHES}::int
      ),
      step as (
        select
          i.pass, i.shard, i.sequence, i.cursor, i.age,
          sum(i.rows) over so_far as rows,
          sum(i.millis + case when i.idle between 0 and ${MAX_IDLE_MILLIS}::float8 + (r.settings ->> 'pauseMillis')::float8
            then i.idle else 0 end) over so_far as millis
        from recent as i
        join ${this.table('run')} as r on r.id = ${run}
        window so_far as (partition by i.pass, i.shard order by i.sequence)
      )
      select
        l.pass, l.shard, l.round, l.done, l.cursor,
        (1000 * extract(epoch from l.at))::float8 as at,
        t.rows, coalesce(t.own, 0) as "ownRows",
        h.cursor as "fromCursor",
        e.rows - coalesce(h.rows, 0) as "recentRows",
        (e.millis - coalesce(h.millis, 0))::float8 as "recentMillis"
      from last as l
      join step as e on e.pass = l.pass and e.shard = l.shard and e.sequence = l.sequence
      join ${this.table('pass')} as p on p.run_id = ${run} and p.ordinal = l.pass
      cross join lateral (
        select sum(b.rows) as rows, sum((b.deleted ->> (p.stored #>> '{table,label}'))::float8) as own
        from ${batch} as b
        where b.run_id = ${run} and b.pass = l.pass and b.shard = l.shard and b.round = l.round
      ) as t
      left join lateral (
        select s.cursor, s.rows, s.millis
        from step as s
        where s.pass = l.pass and s.shard = l.shard and s.sequence < l.sequence
          and (s.millis <= e.millis / 2 or s.age = ${RECENT_BATCHES - 1}::int)
        order by s.sequence desc
        limit 1
      ) as h on true`.execute(this.db);
    return rows;
  }
}
