import type { ShardBatches, ShardKey } from '../stored/batch.ts';
import type { ShardProgress, ProgressPass } from '../stored/progress.ts';
import type { PassStatus } from '../stored/run.ts';
import type { Ledger } from './ledger.ts';
import { measureShard } from './measure-shard.ts';

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

type ShardRow = ShardBatches & Pick<ShardKey, 'pass' | 'shard'>;

/** How far the passes of a run are. As fresh as the last batch, which is a second old or what the policy's pause is. */
export async function readLiveProgress(ledger: Ledger, run: number): Promise<LivePass[]> {
  const { progress } = ledger.session.ledger;
  const [passes, shards] = await Promise.all([progress.readPasses(run), progress.readShards(run)]);
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
  const { progress } = ledger.session.ledger;
  const [passes, shards] = await Promise.all([
    progress.readPasses(run, pass),
    progress.readShards(run, { pass, shard }),
  ]);
  const found = passes.flatMap((row) => measure(row, shards))[shard];
  if (found === undefined) throw new Error(`no shard ${shard} of pass ${pass} in run ${run}`);
  return found;
}

function measure(
  { ordinal, shards, rowsPerParent }: ProgressPass,
  rows: readonly ShardRow[],
): ShardProgress[] {
  const own = rows.filter(({ pass }) => pass === ordinal);
  const round = Math.max(...own.map((row) => row.round));
  return shards.map((shard, n) => {
    const batches = own.find((row) => row.shard === n && row.round === round);
    return measureShard(shard, rowsPerParent ?? 1, batches);
  });
}
