import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ShardBatches } from '../batch/walked.ts';
import { measureShard } from '../batch/walked.ts';
import type { PassStatus } from '../contract.ts';
import type { FrozenPass, Shard } from '../passes/index.ts';
import type { ShardProgress } from '../stored/progress.ts';
import type { ShardKey } from './batches.ts';
import type { Ledger } from './ledger.ts';

/** How far a pass of an open run is, by its last batches. */
export interface LivePass {
  readonly name: string;
  /** As far as batches tell. */
  readonly status: Extract<PassStatus, 'planned' | 'running' | 'completed'>;
  /** Rows deleted in all tables so far. */
  readonly rows: number;
  readonly batches: number;
  readonly shards: readonly ShardProgress[];
}

interface PassRow {
  readonly name: string;
  readonly ordinal: number;
  readonly shards: readonly Shard[];
  readonly familySize: FrozenPass['familySize'] | null;
  readonly rows: number;
  readonly batches: number;
}

interface ShardRow extends ShardBatches {
  readonly pass: number;
  readonly shard: number;
}

/** How far the passes of a run are. As fresh as the last batch, which is a second old or what the policy's pause is. */
export async function readLiveProgress(ledger: Ledger, run: number): Promise<LivePass[]> {
  const [passes, shards] = await Promise.all([
    readPasses(ledger, run, sql`true`),
    readShards(ledger, run, sql`true`),
  ]);
  return passes.map((pass) => {
    const { name, rows, batches } = pass;
    const own = measure(pass, shards);
    const isDone = own.length > 0 && own.every(({ done }) => done);
    const status = batches === 0 ? 'planned' : isDone ? 'completed' : 'running';
    return { name, status, rows, batches, shards: own };
  });
}

/** How far one shard is. */
export async function readShardProgress(
  ledger: Ledger,
  { run, pass, shard }: ShardKey,
): Promise<ShardProgress> {
  const [passes, shards] = await Promise.all([
    readPasses(ledger, run, sql`p.ordinal = ${pass}`),
    readShards(ledger, run, sql`b.pass = ${pass} and b.shard = ${shard}`),
  ]);
  const progress = passes.flatMap((row) => measure(row, shards))[shard];
  if (progress === undefined) throw new Error(`no shard ${shard} of pass ${pass} in run ${run}`);
  return progress;
}

function measure({ ordinal, shards, familySize }: PassRow, rows: readonly ShardRow[]): ShardProgress[] {
  const own = rows.filter(({ pass }) => pass === ordinal);
  const round = Math.max(...own.map((row) => row.round));
  return shards.map((shard, n) => {
    const batches = own.find((row) => row.shard === n && row.round === round);
    return measureShard(shard, familySize ?? 1, batches);
  });
}

async function readPasses(ledger: Ledger, run: number, where: RawBuilder<unknown>): Promise<PassRow[]> {
  const { rows } = await sql<PassRow>`
    select
      p.name, p.ordinal, p.shards, (p.frozen ->> 'familySize')::float8 as "familySize",
      coalesce(sum(b.rows), 0) as rows, count(b.sequence)::int as batches
    from ${ledger.table('pass')} as p
    left join ${ledger.table('batch')} as b on b.run_id = p.run_id and b.pass = p.ordinal
    where p.run_id = ${run} and ${where}
    group by p.run_id, p.ordinal
    order by p.ordinal`.execute(ledger.db);
  return rows;
}

/** The speed is that of the last batches: 20 s of them, if each takes 100 ms. */
const RECENT_BATCHES = 200;
/** Longer between two batches, beyond the policy's own pause, nobody works: a pause, an outage or a dead attempt. */
const MOST_IDLE_MILLIS = 15_000;

/**
 * The last round of each shard that has a batch.
 *
 * Of the last batches only the second half of their time counts, since sizes start small and double: with all but its
 * first 150 ms, ETAs after half a second were 7 to 18 % too long, with its half -1 to 6 % (10 million logs, 4 rounds).
 */
async function readShards(ledger: Ledger, run: number, where: RawBuilder<unknown>): Promise<ShardRow[]> {
  const batch = ledger.table('batch');
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
        sum(i.millis + case when i.idle between 0 and ${MOST_IDLE_MILLIS}::float8 + (r.settings ->> 'pauseMillis')::float8
          then i.idle else 0 end) over so_far as millis
      from recent as i
      join ${ledger.table('run')} as r on r.id = ${run}
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
    join ${ledger.table('pass')} as p on p.run_id = ${run} and p.ordinal = l.pass
    cross join lateral (
      select sum(b.rows) as rows, sum((b.deleted ->> (p.frozen #>> '{table,label}'))::float8) as own
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
    ) as h on true`.execute(ledger.db);
  return rows;
}
