import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../../stored/columns.ts';
import type { CascadeStep, StoredChild, StoredPointer } from '../../../stored/row-tree.ts';
import { linkToParent, references } from '../../join-path.ts';
import type { Connection } from '../connection.ts';
import { tableAs } from '../identifiers.ts';
import type { Deletions, Item } from './deletions.ts';
import { DELETED } from './tables.ts';

/** Follows foreign keys that cascade from what an item deletes, from row to row until nothing new comes. */
export async function followCascades(
  connection: Connection,
  deletions: Deletions,
  item: Item,
  table: TableName,
  steps: readonly CascadeStep[],
): Promise<void> {
  for (let added = steps.length > 0 ? 1 : 0; added > 0;) {
    added = 0;
    for (const step of steps) {
      const parent = steps[step.from]?.table ?? table;
      added += await addBelow(connection, deletions, item, {
        parent,
        child: step.table,
        on: references('c', 'p', step),
      });
    }
  }
}

/** Adds the soft children of what an item deletes from a table, with what belongs to those. */
export async function followChildren(
  connection: Connection,
  deletions: Deletions,
  item: Item,
  table: TableName,
  children: readonly StoredChild[],
): Promise<void> {
  for (const child of children) {
    const on = references('c', 'p', linkToParent(child));
    await addBelow(connection, deletions, item, { parent: table, child: child.table, on });
    await followCascades(connection, deletions, item, child.table, child.cascades);
    const { own } = child;
    if (own !== undefined) await followChildren(connection, deletions, item, child.table, own.children);
  }
}

/** How rows of a table, alias `c`, belong to those of another, alias `p`. */
interface Below {
  readonly parent: TableName;
  readonly child: TableName;
  readonly on: RawBuilder<boolean>;
}

/** Adds the rows that belong to those that an item deletes. Returns how many. */
async function addBelow(
  connection: Connection,
  deletions: Deletions,
  item: Item,
  { parent, child, on }: Below,
): Promise<number> {
  return deletions.add(
    connection,
    item,
    child,
    sql`
      select c.rowid as location
      from ${DELETED} as d
      join ${tableAs(parent, 'p')} on p.rowid = d.location
      join ${tableAs(child, 'c')} on ${on}
      where
        d.number = ${deletions.numberTable(parent)} and d.item = ${item.number}
        and ${deletions.isThere(child, 'c')} and vacuum_goes_on()`,
  );
}

/** Every table of which a soft child deletes rows, but for those of its pointers. */
export function listTables({ table, cascades, own }: StoredChild): TableName[] {
  return [table, ...cascades.map((step) => step.table), ...(own?.children ?? []).flatMap(listTables)];
}

/** Pointers at a soft child and at its own children. */
export function listPointers({ pointers, own }: StoredChild): StoredPointer[] {
  return [...pointers, ...(own?.children ?? []).flatMap(listPointers)];
}
