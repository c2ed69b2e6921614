import { sql } from 'kysely';

import { walkedPart } from '../batch/walked.ts';
import type { Cursor, Shard } from '../passes/index.ts';
import type { Ledger } from './ledger.ts';

/** How far a pass of an open run is, by its last batches. */
export interface LivePass {
  readonly name: string;
  /** Rows deleted in all tables so far. */
  readonly rows: number;
  readonly batches: number;
  /** The part that is walked, 0 to 1, in the current round; null where one cannot tell. */
  readonly walked: number | null;
  /** Milliseconds since the pass began; 0 before. */
  readonly millis: number;
}

interface LiveRow {
  readonly name: string;
  readonly shards: readonly Shard[];
  readonly rows: number;
  readonly batches: number;
  readonly millis: number;
  readonly last: readonly { shard: number; cursor: Cursor; done: boolean }[] | null;
}

/** How far the passes of a run are. As fresh as the last batch, which is a second old or what the policy's pause is. */
export async function readLiveProgress(ledger: Ledger, run: number): Promise<LivePass[]> {
  const batch = ledger.table('batch');
  const { rows } = await sql<LiveRow>`
    select
      p.name,
      p.shards,
      coalesce(t.rows, 0) as rows,
      coalesce(t.batches, 0)::int as batches,
      coalesce(t.millis, 0)::float8 as millis,
      (
        select json_agg(json_build_object('shard', l.shard, 'cursor', l.cursor, 'done', l.done))
        from (
          select distinct on (b.shard) b.shard, b.cursor, b.done
          from ${batch} as b
          where b.run_id = p.run_id and b.pass = p.ordinal
          order by b.shard, b.sequence desc
        ) as l
      ) as last
    from ${ledger.table('pass')} as p
    left join lateral (
      select
        sum(b.rows) as rows,
        count(*) as batches,
        1000 * extract(epoch from clock_timestamp() - min(b.at - b.millis * interval '1 ms')) as millis
      from ${batch} as b
      where b.run_id = p.run_id and b.pass = p.ordinal
    ) as t on true
    where p.run_id = ${run}
    order by p.ordinal`.execute(ledger.db);
  return rows.map(({ name, shards, last, ...counts }) => ({
    name,
    ...counts,
    walked: walkedOf(shards, last ?? []),
  }));
}

function walkedOf(shards: readonly Shard[], last: NonNullable<LiveRow['last']>): number | null {
  const parts = shards.map((shard, n) => {
    const at = last.find((row) => row.shard === n);
    return at?.done === true ? 1 : walkedPart(shard, at?.cursor ?? null);
  });
  return parts.every((part) => part !== null)
    ? parts.reduce((sum, part) => sum + part, 0) / Math.max(1, parts.length)
    : null;
}
