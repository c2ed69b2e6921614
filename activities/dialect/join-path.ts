import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnPairs, TableName } from '../stored/columns.ts';

/** A table under an alias, as a dialect writes it in a `from`. */
export type TableAs = (table: TableName, alias: string) => RawBuilder<unknown>;

/** Tables of which each references the one before it. */
export type JoinPath = readonly { readonly table: TableName; readonly on: ColumnPairs }[];

/** A row of one alias references a row of another. */
export function references(child: string, parent: string, on: ColumnPairs): RawBuilder<boolean> {
  const pairs = on.map((pair) => sql`${sql.id(child, pair.child)} = ${sql.id(parent, pair.parent)}`);
  return sql<boolean>`${sql.join(pairs, sql` and `)}`;
}

/**
 * The tables of a path that starts at an alias, the conditions that join them, and the alias at its end, which has a name
 * like the others if none is given.
 */
export function joinPath(
  path: JoinPath,
  start: string,
  prefix: string,
  tableAs: TableAs,
  last = path.length === 0 ? start : `${prefix}${path.length - 1}`,
): { readonly tables: RawBuilder<unknown>[]; readonly where: RawBuilder<boolean>[]; readonly end: string } {
  const alias = (depth: number): string => {
    if (depth === path.length - 1) return last;
    return depth === -1 ? start : `${prefix}${depth}`;
  };
  return {
    tables: path.map(({ table }, depth) => tableAs(table, alias(depth))),
    where: path.map(({ on }, depth) => references(alias(depth), alias(depth - 1), on)),
    end: last,
  };
}
