import type { TableName } from '../stored/columns.ts';
import type { Expiry } from '../stored/expiry.ts';
import type { RowTree } from '../stored/row-tree.ts';
import { listInner } from './blockers.ts';
import { distinctTables } from './table-names.ts';
import type { HeldRows, Holds } from './view.ts';

/**
 * Whether rows must be locked before they are judged: a hold is about what is deleted along with them, or has a select of
 * its own. A statement that waits for a row goes on with what it saw of other rows before. `along`: the tables of what is
 * deleted along, which may have the rows' own among them.
 */
export function needsLocks({ rows }: Holds, own: TableName, along: readonly TableName[]): boolean {
  return rows.some(
    (held) =>
      along.some((table) => isAbout(held, table)) || (isAbout(held, own) && held.condition?.selects === true),
  );
}

/** Whether any condition selects, or reads a parent's column: see `Predicate.selects`. */
export function selects({ where, ages, retentions }: Pick<Expiry, 'where' | 'ages' | 'retentions'>): boolean {
  return (
    where.selects ||
    ages.some(({ parent }) => parent !== undefined) ||
    retentions.some(
      ({ where: own, column }) => own?.selects === true || (column !== undefined && column.parent !== null),
    )
  );
}

/** Whether rows of the pass may forbid to delete one another. */
export function isChained(tree: Pick<RowTree, 'blockers'>): boolean {
  return listInner(tree).length > 0;
}

/** The tables that have held rows, each once. */
export function listHeldTables({ rows }: Holds): TableName[] {
  return distinctTables(rows.map(({ schema, name }) => ({ schema, name, label: `${schema}.${name}` })));
}

/** Whether a hold is about rows of a table. */
export function isAbout({ schema, name }: HeldRows, table: TableName): boolean {
  return table.schema === schema && table.name === name;
}
