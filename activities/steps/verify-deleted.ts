import { listSteps } from '../dialect/cascade-paths.ts';
import type { Tx } from '../dialect/dialect.ts';
import { listTriggers, RowsKeptByTrigger } from '../dialect/kept-by-trigger.ts';
import type { DeletedRows } from '../dialect/rows.ts';
import type { Condition } from '../dialect/view.ts';
import type { RowTree, Watched } from '../stored/row-tree.ts';
import type { BatchStep } from './batch-step.ts';

const DELETES_HELD = 'a trigger deletes rows with them that a hold names';

/**
 * Deletes locked rows, and proves that they are deleted with all that belongs to them, if triggers may keep some of it.
 * Throws {@link RowsKeptByTrigger} if one did: a foreign key does not look again at a row that its cascade should have deleted, so
 * that it would reference nothing. The same if a trigger deletes a row that a hold names: nobody can ask for that before.
 * `remove` returns how many rows it deleted of the own table.
 */
export async function verifyDeleted<D extends Pick<DeletedRows, 'rows'>>(
  tx: Tx,
  tree: RowTree,
  locations: readonly string[],
  where: Condition,
  { holds }: Pick<BatchStep, 'holds'>,
  remove: () => Promise<D>,
): Promise<D> {
  const { watched, table, key } = tree;
  const removeAll = async (): Promise<D> =>
    remove().catch((error: unknown) => {
      throw error instanceof RowsKeptByTrigger && error.names === '' ? explainKept(watched) : error;
    });
  if (watched === undefined) return removeAll();
  // The condition may have become false since the rows were locked; it stays what it is now.
  const expected = (await tx.rows.lockAt(table, locations, where, null)).length;
  const cascades = listSteps(
    { cascades: tree.cascades, children: tree.children ?? [], key: key ?? null },
    (child) => child.cascades,
  );
  const referenced = await tx.rows.readReferenced({ table, cascades }, watched.links, locations, where);
  const { writers = [] } = watched;
  const held = writers.length === 0 ? 0 : await tx.rows.countHeld(holds);
  const deleted = await removeAll();
  // Some fire only when the transaction ends, and may delete a held row then.
  if (writers.length > 0) await tx.batchLock.fireTriggers();
  if (deleted.rows < expected) throw new RowsKeptByTrigger(listTriggers(watched));
  if (held > 0 && (await tx.rows.countHeld(holds)) < held)
    throw new RowsKeptByTrigger(writers.join(', '), DELETES_HELD);
  const left = await tx.rows.findLeft(referenced);
  if (left.length > 0)
    throw new RowsKeptByTrigger([...new Set(left.flatMap(({ triggers }) => triggers))].join(', '));
  return deleted;
}

/** Why a row stayed whose children were deleted before it. */
function explainKept(watched: Watched | undefined): Error {
  if (watched !== undefined) return new RowsKeptByTrigger(listTriggers(watched));
  // No trigger keeps any: the next try knows of the hold.
  return new Error(
    'a hold that came meanwhile kept rows whose children are deleted; the batch is rolled back',
  );
}
