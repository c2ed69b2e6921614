import type { Catalog, CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { ColumnPairs, TableName } from '../stored/columns.ts';
import type { CascadeStep } from '../stored/row-tree.ts';

/** Whether a foreign key forbids to delete a row as long as another references it. */
export function forbidsDelete({ onDelete }: Pick<ForeignKey, 'onDelete'>): boolean {
  return onDelete === 'no action' || onDelete === 'restrict';
}

/** Whether a delete takes the reference out of the rows that have it, and leaves them. */
export function clearsReferences({ onDelete }: Pick<ForeignKey, 'onDelete'>): boolean {
  return onDelete === 'set null' || onDelete === 'set default';
}

/** The columns in which a delete clears a reference. */
export function listCleared({ childColumns, clearedColumns }: ForeignKey): readonly string[] {
  return clearedColumns ?? childColumns;
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
      steps.push({ from: step, table: toTableName(child), on: pairColumns(key) });
      queue.push({ table: child, step: steps.length - 1 });
    }
  }
  return steps;
}

/**
 * The order in which the dependents of one row can be deleted before the row: the deepest first. A table that references
 * another of these by a foreign key that would forbid the delete comes before that one.
 */
export function computeDrainOrder(catalog: Catalog, steps: readonly CascadeStep[]): number[] {
  const forbidding = catalog.foreignKeys
    .filter(forbidsDelete)
    .map(({ child, parent }) => ({ child: catalog.findLabel(child), parent: catalog.findLabel(parent) }))
    .filter(({ child, parent }) => child !== parent);
  const remaining = steps.map((_, n) => n).toReversed();
  const order: number[] = [];
  while (remaining.length > 0) {
    const free = remaining.findIndex((n) => {
      const { label } = (steps[n] as CascadeStep).table;
      return !forbidding.some(
        (key) => key.parent === label && remaining.some((other) => steps[other]?.table.label === key.child),
      );
    });
    // A circle of such keys cannot be emptied in any order; then the database says so.
    order.push(...remaining.splice(Math.max(0, free), 1));
  }
  return order;
}

/**
 * Whether a delete takes references out of other rows of a table. PostgreSQL writes such a row at another location, which may
 * lie behind a scan.
 */
export function movesOwnRows(catalog: Catalog, table: TableName, along: readonly TableName[]): boolean {
  const labels = new Set([table, ...along].map(({ label }) => label));
  return catalog.foreignKeys.some(
    (key) =>
      clearsReferences(key) &&
      catalog.findLabel(key.child) === table.label &&
      labels.has(catalog.findLabel(key.parent) ?? ''),
  );
}

/** The chain of steps from a table down to the one that a foreign key references; undefined if there is none. */
export function chainTo(steps: readonly CascadeStep[], label: string | undefined): CascadeStep[] | undefined {
  const at = steps.findIndex((step) => step.table.label === label);
  if (at === -1) return undefined;
  const chain: CascadeStep[] = [];
  for (let step = steps[at]; step !== undefined; step = steps[step.from]) chain.unshift(step);
  return chain;
}

/** Each column of a foreign key with the column that it references. */
export function pairColumns({ childColumns, parentColumns, period }: ForeignKey): ColumnPairs {
  return childColumns.map((child, n) => ({
    child,
    parent: parentColumns[n] ?? '',
    ...(period === true && n === childColumns.length - 1 ? { overlaps: true } : {}),
  }));
}
