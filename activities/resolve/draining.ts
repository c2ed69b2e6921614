import type { Predicate, TableName } from '../stored/columns.ts';
import type { Expiry } from '../stored/expiry.ts';

/**
 * Whether the condition of a row reads what is deleted along with it. Such a row is deleted whole: if a part of it were
 * deleted first, the condition could be false for what is left.
 */
export function judgesByDependents(
  { where, ages, retentions }: Pick<Expiry, 'where' | 'ages' | 'retentions'>,
  along: readonly TableName[],
): boolean {
  const filters = [where, ...retentions.flatMap((retention) => retention.where ?? [])];
  const parents = new Set(
    [...ages, ...retentions.flatMap(({ column }) => column ?? [])].flatMap(
      ({ parent }) => parent?.table.label ?? [],
    ),
  );
  return along.some(
    ({ name, label }) => parents.has(label) || filters.some((filter) => readsTable(filter, name)),
  );
}

/** Whether a filter may read a table: also if its name only stands there as something else. */
function readsTable({ selects, text }: Predicate, table: string): boolean {
  return selects && text.toLowerCase().includes(table.toLowerCase());
}
