import type { Tx } from '../dialect/dialect.ts';
import type { ChainedRow } from '../dialect/rows.ts';
import type { LockedRows } from '../dialect/scan.ts';
import type { Condition } from '../dialect/view.ts';
import type { BatchOutcome, BatchStep } from './batch-step.ts';
import type { DeletableTree, DeletedTrees } from './delete-trees.ts';
import { deleteTrees } from './delete-trees.ts';

/** So many rows that reference one another are followed in one batch: about 50 ms. Longer chains take several rounds. */
const MAX_CHAIN = 10_000;

/**
 * Deletes locked rows together with the rows of the pass that reference them, or what is deleted along with them: a foreign
 * key would forbid it otherwise. Wherever these lie; rows that a row references which stays are left. The scan goes on once
 * nothing of what it found can be deleted.
 */
export async function deleteChained(
  tx: Tx,
  tree: DeletableTree,
  where: Condition,
  locked: LockedRows,
  step: BatchStep,
): Promise<BatchOutcome> {
  const { locations, candidates, end } = locked;
  const keys = new Map(locations.map((location, n) => [location, locked.keys[n] ?? null]));
  const chain = await tx.rows.findChain(tree, where, locations, Math.max(MAX_CHAIN, locations.length));
  const others = chain.map(({ location }) => location).filter((location) => !keys.has(location));
  for (const { location, key } of await tx.rows.lockAt(tree.table, others, where, tree.key)) {
    keys.set(location, key);
  }
  const { ordered, circle } = orderChain(chain, new Set(keys.keys()));
  const all = [...ordered, ...circle];
  const fitting = all.length <= step.maxRows ? all : ordered.slice(0, step.maxRows);
  const done: DeletedTrees =
    fitting.length === 0
      ? { parents: 0, moved: 0 }
      : await deleteTrees(
          tx,
          tree,
          where,
          { locations: fitting, keys: fitting.map((location) => keys.get(location) ?? null) },
          step,
        );
  const { parents, moved, drainMillis, blocked = 0, refusals } = done;
  const taken = parents - blocked;
  const stay = { cursor: step.cursor, done: false, taken, skipped: 0, moved };
  if (drainMillis !== undefined) return { ...stay, drainMillis };
  const left = new Set(all.slice(parents));
  const goesOn = taken === 0 || !locations.some((location) => left.has(location));
  const known = refusals === undefined ? {} : { refusals };
  if (!goesOn) return { ...stay, ...known };
  const deletable = new Set(all);
  const staying = locations.filter((location) => !deletable.has(location)).length;
  const skipped = candidates - locations.length;
  return { ...end, taken, skipped, moved, blocked: staying + blocked, ...known };
}

/** Rows that can be deleted, in an order in which each stands after all that reference it. */
interface OrderedChain {
  readonly ordered: readonly string[];
  /** Rows that reference one another in a circle: they can only be deleted all at once, after the others. */
  readonly circle: readonly string[];
}

/**
 * Orders the rows of a chain that can be deleted: a row stays if it needs another to go that stays, or that is not among
 * `locked`.
 */
function orderChain(chain: readonly ChainedRow[], locked: ReadonlySet<string>): OrderedChain {
  const needs = new Map(
    chain
      .filter(({ location }) => locked.has(location))
      .map((row) => [row.location, row.needs.filter((need) => need !== row.location)]),
  );
  const neededBy = new Map<string | null, string[]>();
  for (const [location, own] of needs) {
    for (const need of own) neededBy.set(need, [...(neededBy.get(need) ?? []), location]);
  }
  const staying = [...neededBy.keys()].filter((need) => need === null || !needs.has(need));
  for (const stays of staying) {
    for (const location of neededBy.get(stays) ?? []) {
      if (needs.delete(location)) staying.push(location);
    }
  }
  const open = new Map([...needs].map(([location, own]) => [location, own.length]));
  const ordered = [...open].filter(([, count]) => count === 0).map(([location]) => location);
  for (const location of ordered) {
    open.delete(location);
    for (const other of neededBy.get(location) ?? []) {
      const left = (open.get(other) ?? 0) - 1;
      if (!open.has(other)) continue;
      open.set(other, left);
      if (left === 0) ordered.push(other);
    }
  }
  return { ordered, circle: [...open.keys()] };
}
