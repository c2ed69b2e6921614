import type { BatchStep } from '../passes/pass.ts';
import type { Looked } from '../sql/look.ts';
import { lookAtPages, lookByAge } from '../sql/look.ts';
import type { ColumnName } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Cursor } from './cursor.ts';
import type { Walk } from './walk.ts';
import { agesOf, pagesOf, reached } from './walk.ts';

/** Goes over the next rows of a walk, at most `limit`, without touching or locking them. */
export async function look(
  tx: Tx,
  walk: Walk & { readonly age: ColumnName },
  key: ColumnName | null,
  step: BatchStep,
  limit: number,
): Promise<Looked & { readonly cursor: Cursor; readonly end: boolean }> {
  if (step.shard.strategy === 'page-range') {
    // Four times the pages that would do if every row matched.
    const range = await pagesOf(tx, walk, step.shard, step, Math.max(limit, step.size) * 4);
    const looked = await lookAtPages(tx, range, walk.age, key, limit);
    return { ...looked, ...reached(range, { candidates: looked.rows, last: looked.last }, limit) };
  }
  const looked = await lookByAge(tx, agesOf(walk, step, limit), key);
  return { ...looked, cursor: looked.next, end: looked.next === null };
}
