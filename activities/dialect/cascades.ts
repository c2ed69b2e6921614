import type { TableName } from '../stored/columns.ts';
import type { CascadeStep } from '../stored/row-tree.ts';

/** Whether each table is reached along one path, and none again from itself: then the steps are all paths that there are. */
export function isTree(steps: readonly CascadeStep[], table: TableName): boolean {
  const labels = [table.label, ...steps.map((step) => step.table.label)];
  return new Set(labels).size === labels.length;
}
