import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnPairs, TableName } from '../stored/columns.ts';
import type { RowTree, StoredBlocker } from '../stored/pass.ts';

/** A table under an alias, as a dialect writes it in a `from`. */
export type TableAs = (table: TableName, alias: string) => RawBuilder<unknown>;

/** Blockers by rows that the pass does not delete. */
export function listOuter({ blockers = [] }: RowTree): readonly StoredBlocker[] {
  return blockers.filter(({ ways }) => ways.length === 0);
}

/** Blockers by rows that the pass may delete too. */
export function listInner({ blockers = [] }: RowTree): readonly StoredBlocker[] {
  return blockers.filter(({ ways }) => ways.length > 0);
}

/**
 * The tables of a way that starts at an alias, the conditions that join them, and the alias at its end.
 */
export function walkWay(
  way: StoredBlocker['path'],
  start: string,
  prefix: string,
  tableAs: TableAs,
): { readonly tables: RawBuilder<unknown>[]; readonly where: RawBuilder<boolean>[]; readonly end: string } {
  const alias = (depth: number): string => (depth === -1 ? start : `${prefix}${depth}`);
  return {
    tables: way.map(({ table }, depth) => tableAs(table, alias(depth))),
    where: way.map(({ on }, depth) => joinOn(alias(depth), alias(depth - 1), on)),
    end: alias(way.length - 1),
  };
}

/**
 * `from ... where` of the rows, alias `b`, that reference a row of alias `t` or what is deleted along with it. `source` gives
 * the table of the rows that reference, if it is not the table as it is.
 */
export function blockingRows(
  { path, reference }: StoredBlocker,
  tableAs: TableAs,
  source: TableAs = tableAs,
): { readonly from: RawBuilder<unknown>; readonly where: RawBuilder<boolean> } {
  const { tables, where, end } = walkWay(path, 't', 'p', tableAs);
  return {
    from: sql.join([...tables, source(reference.table, 'b')]),
    where: sql<boolean>`${sql.join([...where, joinOn('b', end, reference.on)], sql` and `)}`,
  };
}

function joinOn(child: string, parent: string, on: ColumnPairs): RawBuilder<boolean> {
  const pairs = on.map((pair) => sql`${sql.id(child, pair.child)} = ${sql.id(parent, pair.parent)}`);
  return sql<boolean>`${sql.join(pairs, sql` and `)}`;
}
