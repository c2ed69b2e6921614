import { sql } from 'kysely';

import type { Cursor } from '../batch/cursor.ts';
import { walkedPart, workAt } from '../batch/walked.ts';
import type { FrozenPass, Shard } from '../passes/index.ts';
import type { Ledger } from './ledger.ts';

/** How far a pass of an open run is, by its last batches. */
export interface LivePass {
  readonly name: string;
  /** Rows deleted in all tables so far. */
  readonly rows: number;
  readonly batches: number;
  /** The part of the work that is done, 0 to 1, in the current round; null where one cannot tell. */
  readonly walked: number | null;
  /** Milliseconds until the round is done, if it goes on as it did; null where one cannot tell. */
  readonly millisLeft: number | null;
  /** Milliseconds since the pass began; 0 before. */
  readonly millis: number;
}

interface LiveRow {
  readonly name: string;
  readonly shards: readonly Shard[];
  readonly familySize: FrozenPass['familySize'] | null;
  readonly rows: number;
  readonly batches: number;
  readonly millis: number;
  readonly last: readonly LastBatch[] | null;
}

/** The last batch of a shard, with what its round came to. */
interface LastBatch {
  readonly shard: number;
  readonly round: number;
  readonly cursor: Cursor;
  readonly done: boolean;
  readonly rows: number;
  readonly millis: number;
}

/** How far the passes of a run are. As fresh as the last batch, which is a second old or what the policy's pause is. */
export async function readLiveProgress(ledger: Ledger, run: number): Promise<LivePass[]> {
  const batch = ledger.table('batch');
  const { rows } = await sql<LiveRow>`
    select
      p.name,
      p.shards,
      (p.frozen ->> 'familySize')::float8 as "familySize",
      coalesce(t.rows, 0) as rows,
      coalesce(t.batches, 0)::int as batches,
      coalesce(t.millis, 0)::float8 as millis,
      (
        select json_agg(
          json_build_object(
            'shard', l.shard, 'round', l.round, 'cursor', l.cursor, 'done', l.done, 'rows', r.rows, 'millis', r.millis))
        from (
          select distinct on (b.shard) b.shard, b.round, b.cursor, b.done, b.at
          from ${batch} as b
          where b.run_id = p.run_id and b.pass = p.ordinal
          order by b.shard, b.sequence desc
        ) as l
        cross join lateral (
          select
            sum(b.rows) as rows,
            1000 * extract(epoch from l.at - min(b.at - b.millis * interval '1 ms')) as millis
          from ${batch} as b
          where b.run_id = p.run_id and b.pass = p.ordinal and b.shard = l.shard and b.round = l.round
        ) as r
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
  return rows.map(({ name, shards, last, familySize, ...counts }) => ({
    name,
    ...counts,
    ...standingOf(shards, last ?? [], familySize ?? 1),
  }));
}

function standingOf(
  shards: readonly Shard[],
  last: readonly LastBatch[],
  familySize: number,
): Pick<LivePass, 'walked' | 'millisLeft'> {
  const parts = shards.map((shard, n) => {
    const at = last.find((row) => row.shard === n);
    if (at?.done === true) return { walked: 1, millisLeft: 0 };
    const { cursor, round, rows, millis } = at ?? { cursor: null, round: 1, rows: 0, millis: 0 };
    const work = workAt({ shard, cursor, round, rows, familySize });
    const known = work !== null && work.behind > 0;
    return { walked: walkedPart(work), millisLeft: known ? (work.ahead * millis) / work.behind : null };
  });
  const walked = parts.map((part) => part.walked);
  const left = parts.map((part) => part.millisLeft);
  return {
    walked: walked.every((part) => part !== null)
      ? walked.reduce((sum, part) => sum + part, 0) / Math.max(1, parts.length)
      : null,
    millisLeft: left.every((part) => part !== null) ? Math.max(0, ...left) : null,
  };
}
