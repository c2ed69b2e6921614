import type { ShardEnd } from '../dialect/shard-end.ts';
import { continueAt, endShard } from '../dialect/shard-end.ts';
import type { TableName } from '../stored/columns.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { Shard } from '../stored/scan.ts';
import type { BatchOutcome } from './batch-step.ts';

// A pass over the rows of a partitioned table works on the tables where the rows lie, one after the other: a location names
// a row of one of them only. For each of these leaves the same pass is resolved.

/** The pass for each table where its rows lie: itself, if that is its own table. */
export function listLeaves<S extends StoredPass>(
  stored: S & { readonly leaves?: readonly S[] },
): readonly S[] {
  return stored.leaves ?? [stored];
}

/** The pass for one leaf; undefined if that is no partition of the table any more. */
export function findLeaf(
  { leaves = [] }: StoredPass,
  { schema, name }: Pick<TableName, 'schema' | 'name'>,
): StoredPass | undefined {
  return leaves.find(({ table }) => table.schema === schema && table.name === name);
}

/** What a batch works on. */
interface BatchTarget {
  readonly stored: StoredPass;
  readonly shard: Shard;
  readonly cursor: Cursor;
  /** The leaf is no partition of the table any more: there is nothing to do. */
  readonly isMissing: boolean;
  /** The outcome as one of the whole shard. */
  readonly toOutcome: (outcome: BatchOutcome) => BatchOutcome;
}

/** Finds the leaf where a batch goes on; the shard itself if the pass has no leaves. */
export function findBatchTarget(stored: StoredPass, shard: Shard, cursor: Cursor): BatchTarget {
  if (shard.scan !== 'by-partition') {
    return { stored, shard, cursor, isMissing: false, toOutcome: (outcome) => outcome };
  }
  const { leaf, at } = cursor !== null && 'leaf' in cursor ? cursor : { leaf: 0, at: null };
  const part = shard.leaves[leaf];
  const found = part === undefined ? undefined : findLeaf(stored, part.table);
  const isLast = leaf + 1 >= shard.leaves.length;
  const endOfLeaf = ({ cursor: next, done }: ShardEnd): ShardEnd => {
    if (!done) return continueAt({ leaf, at: next });
    const after = { leaf: leaf + 1, at: null };
    return isLast ? endShard(after) : continueAt(after);
  };
  return {
    stored: found ?? stored,
    shard: part?.shard ?? shard,
    cursor: at,
    isMissing: found === undefined,
    toOutcome: (outcome) => ({
      ...outcome,
      ...endOfLeaf(outcome),
    }),
  };
}

/** What a batch does if there is nothing to do. */
export const NOTHING_DONE: BatchOutcome = { cursor: null, done: true, taken: 0, skipped: 0, moved: 0 };
