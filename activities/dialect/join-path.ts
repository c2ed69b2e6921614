import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../stored/columns.ts';
import type { Link, StoredChild } from '../stored/row-tree.ts';
import { bindPredicate } from './bind-predicate.ts';

/** A table under an alias, as a dialect writes it in a `from`. */
export type TableAs = (table: TableName, alias: string) => RawBuilder<unknown>;

/** Tables of which each references the one before it. */
type JoinPath = readonly (Link & { readonly table: TableName })[];

/** A row of one alias references a row of another. */
export function references(child: string, parent: string, link: Link): RawBuilder<boolean> {
  return referencesColumns(child, (column) => sql.id(parent, column), link);
}

/** The same if the columns of the referenced row are written in a way of their own. */
export function referencesColumns(
  child: string,
  parent: (column: string) => RawBuilder<unknown>,
  { on, where }: Link,
): RawBuilder<boolean> {
  const pairs = on.map(({ child: column, parent: name, as, overlaps }) => {
    const value = as === undefined ? parent(name) : sql`cast(${parent(name)} as text)`;
    return overlaps === true
      ? sql`${sql.id(child, column)} && ${value}`
      : sql`${sql.id(child, column)} = ${value}`;
  });
  const all = where === undefined ? pairs : [...pairs, bindPredicate(where, child)];
  return sql<boolean>`${sql.join(all, sql` and `)}`;
}

/** How a soft child references the row that it belongs to. */
export function linkToParent({
  by,
  parentKey,
  on,
  where,
  as,
}: Pick<StoredChild, 'by' | 'parentKey' | 'on' | 'where' | 'as'>): Link {
  const pair = { child: by.name, parent: parentKey.name, ...(as === undefined ? {} : { as }) };
  return { on: on ?? [pair], ...(where === undefined ? {} : { where }) };
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
    where: path.map((link, depth) => references(alias(depth), alias(depth - 1), link)),
    end: last,
  };
}
