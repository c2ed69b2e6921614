import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../stored/columns.ts';
import type { CascadeStep, RowTree, StoredChild } from '../stored/row-tree.ts';
import type { TableAs } from './join-path.ts';
import { joinPath, linkToParent } from './join-path.ts';

/** A path from a row, alias `p`, down to rows that are deleted with it. */
interface DependencyPath {
  /** The table at the end. */
  readonly table: TableName;
  /** The tables of the path, the last by the alias that was asked for. */
  readonly from: RawBuilder<unknown>;
  /** Which of their rows are dependents of the row `p`. */
  readonly where: RawBuilder<boolean>;
}

/** Rows that the database deletes by cascade with the row; one path a step, in the order of the steps. */
export function pathsByCascades(
  steps: readonly CascadeStep[],
  last: string,
  tableAs: TableAs,
): DependencyPath[] {
  return steps.map((step, at) => {
    const chain: CascadeStep[] = [];
    for (let n = at; n !== -1; n = steps[n]?.from ?? -1) chain.unshift(steps[n] as CascadeStep);
    const { tables, where } = joinPath(chain, 'p', 's', tableAs, last);
    return { table: step.table, from: sql.join(tables), where: sql`${sql.join(where, sql` and `)}` };
  });
}

/**
 * The paths from a row, alias `p`, to what is deleted with it, alias `c`: its soft children and those that are cleared, then
 * what cascades.
 */
export function pathsToDependents(
  { table, cascades, key = null, children = [], cleared = [] }: RowTree,
  tableAs: TableAs,
): DependencyPath[] {
  const soft = listSteps({ cascades: [], children, key }, () => []);
  for (const child of cleared.filter(({ parent }) => parent.label === table.label)) {
    soft.push({ from: -1, table: child.table, ...linkToParent(child) });
  }
  return [...pathsByCascades(soft, 'c', tableAs), ...pathsByCascades(cascades, 'c', tableAs)];
}

/** The paths from a row, alias `p`, to rows of one table, alias `c`, that are deleted with it or with its soft children. */
export function pathsToTable(tree: RowTree, { schema, name }: TableName, tableAs: TableAs): DependencyPath[] {
  const steps = listSteps(tree, (child) => child.cascades);
  return pathsByCascades(steps, 'c', tableAs).filter(
    ({ table }) => table.schema === schema && table.name === name,
  );
}

/**
 * Soft children as further steps: a join leads to them as it does to what cascades. `ownCascades` gives the steps below a
 * child that count.
 */
export function listSteps(
  { cascades, children = [], key = null }: Pick<RowTree, 'cascades' | 'children' | 'key'>,
  ownCascades: (child: StoredChild) => readonly CascadeStep[],
  from = -1,
  steps: CascadeStep[] = [],
): CascadeStep[] {
  const first = steps.length;
  steps.push(...cascades.map((step) => ({ ...step, from: step.from === -1 ? from : first + step.from })));
  if (key === null) return steps;
  for (const child of children) {
    const at = steps.push({ from, table: child.table, ...linkToParent(child) }) - 1;
    listSteps({ ...child.own, cascades: ownCascades(child) }, ownCascades, at, steps);
  }
  return steps;
}

/** Whether each table is reached along one path, and none again from itself: then the steps are all paths that there are. */
export function isTree(steps: readonly CascadeStep[], table: TableName): boolean {
  const labels = [table.label, ...steps.map((step) => step.table.label)];
  return new Set(labels).size === labels.length;
}
