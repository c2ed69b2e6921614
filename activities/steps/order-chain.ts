import type { ChainedRow } from '../dialect/rows.ts';

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
export function orderChain(chain: readonly ChainedRow[], locked: ReadonlySet<string>): OrderedChain {
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
