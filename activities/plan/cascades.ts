import type { Catalog, CatalogTable } from '../sql/catalog.ts';
import type { ForeignKey } from '../sql/foreign-keys.ts';
import type { TableName } from '../sql/names.ts';
import { nameOf } from './scope.ts';

/**
 * One step that a delete takes along a foreign key with `on delete cascade`. Steps stand in an order in which each
 * one's parent comes before it; `from` is the number of the parent's step, or -1 for the table itself.
 */
export interface CascadeStep {
  readonly from: number;
  readonly table: TableName;
  /** Pairs of a child's column and the parent's column that it references. */
  readonly on: readonly { readonly child: string; readonly parent: string }[];
}

/**
 * The tables that a delete in a table reaches by cascade. Each foreign key is followed once, so that a chain that
 * comes back to a table it passed ends there; what the database deletes beyond that is still counted by its own
 * counters, only not foreseen. `first` says which of the table's own foreign keys to follow; default: all.
 */
export function cascadesFrom(
  catalog: Catalog,
  table: CatalogTable,
  first: (key: ForeignKey) => boolean = () => true,
): CascadeStep[] {
  const steps: CascadeStep[] = [];
  const followed = new Set<ForeignKey>();
  const queue: { readonly table: CatalogTable; readonly step: number }[] = [{ table, step: -1 }];
  for (const { table: parent, step } of queue) {
    for (const key of catalog.referencesTo(parent)) {
      if (key.onDelete !== 'cascade' || followed.has(key) || (step === -1 && !first(key))) continue;
      followed.add(key);
      const child = catalog.get(key.child);
      steps.push({ from: step, table: nameOf(child), on: pairs(key) });
      queue.push({ table: child, step: steps.length - 1 });
    }
  }
  return steps;
}

/** Whether each table is reached in one way, and none again from itself: then the steps are all ways that there are. */
export function isTree(steps: readonly CascadeStep[], table: TableName): boolean {
  const labels = [table.label, ...steps.map((step) => step.table.label)];
  return new Set(labels).size === labels.length;
}

/**
 * The order in which what belongs to one row can be deleted before the row: the deepest first, and what refers to
 * another of these tables by a foreign key that would forbid it, before that one.
 */
export function emptyingOrder(catalog: Catalog, steps: readonly CascadeStep[]): number[] {
  const forbidding = catalog.foreignKeys
    .filter(({ onDelete }) => onDelete === 'no action' || onDelete === 'restrict')
    .map(({ child, parent }) => ({ child: catalog.labelOf(child), parent: catalog.labelOf(parent) }))
    .filter(({ child, parent }) => child !== parent);
  const left = steps.map((_, n) => n).toReversed();
  const order: number[] = [];
  while (left.length > 0) {
    const free = left.findIndex((n) => {
      const { label } = (steps[n] as CascadeStep).table;
      return !forbidding.some(
        (key) => key.parent === label && left.some((other) => steps[other]?.table.label === key.child),
      );
    });
    // A circle of such keys cannot be emptied in any order; then the database says so.
    order.push(...left.splice(Math.max(0, free), 1));
  }
  return order;
}

/** The chain of steps from a table down to the one that a foreign key references; undefined where there is none. */
export function chainTo(steps: readonly CascadeStep[], label: string | undefined): CascadeStep[] | undefined {
  const at = steps.findIndex((step) => step.table.label === label);
  if (at === -1) return undefined;
  const chain: CascadeStep[] = [];
  for (let step = steps[at]; step !== undefined; step = steps[step.from]) chain.unshift(step);
  return chain;
}

/** The pairs of columns of a foreign key. */
export function pairs({ childColumns, parentColumns }: ForeignKey): CascadeStep['on'] {
  return childColumns.map((child, n) => ({ child, parent: parentColumns[n] ?? '' }));
}

/** Tables without those named before. */
export function distinctTables(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [table.label, nameOf(table)])).values()];
}
