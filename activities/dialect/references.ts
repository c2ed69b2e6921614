import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../stored/columns.ts';
import type { ParentReference, StoredBlocker, StoredPointer, StoredReference } from '../stored/row-tree.ts';
import { blockingRows } from './blockers.ts';
import type { TableAs } from './join-path.ts';
import { references } from './join-path.ts';

/** The tables that a condition looks into: as they are, or as a preview finds them. */
export interface SeenTables {
  readonly tableAs: TableAs;
  /** The same with the references that are null by then. */
  readonly withNulls: TableAs;
  /** Over an alias of a table: nothing has deleted the row by then. */
  readonly isThere: (table: TableName, alias: string) => RawBuilder<boolean>;
  /** A condition is true of no row. `isIndexed`: an index finds those of which it is. */
  readonly hasNone: (
    from: RawBuilder<unknown>,
    where: RawBuilder<unknown>,
    isIndexed: boolean,
  ) => RawBuilder<boolean>;
}

/** The tables as they are, for a database that plans `not exists` well. */
export function seeLive(tableAs: TableAs): SeenTables {
  return { tableAs, withNulls: tableAs, isThere: () => sql`true`, hasNone: notExists };
}

export function notExists(from: RawBuilder<unknown>, where: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`not exists (select 1 from ${from} where ${where})`;
}

/** Over alias `t`: the row's parent does not exist. */
export function hasNoParent(
  { tableAs, isThere, hasNone }: SeenTables,
  { by, parent, parentKey }: ParentReference,
): RawBuilder<boolean> {
  const isParent = sql`${sql.id('parent', parentKey.name)} = ${sql.id('t', by.name)}`;
  return hasNone(tableAs(parent, 'parent'), sql`${isParent} and ${isThere(parent, 'parent')}`, true);
}

/** Over alias `t`: no row of the tables references it. */
export function isUnreferenced(
  { withNulls, isThere, hasNone }: SeenTables,
  stored: readonly StoredReference[],
): RawBuilder<boolean> {
  const checks = stored.map(({ table, indexed, ...link }) =>
    hasNone(withNulls(table, 'c'), sql`${references('c', 't', link)} and ${isThere(table, 'c')}`, indexed),
  );
  return sql`(${sql.join(checks, sql` and `)})`;
}

/** Over alias `t`: no row that the pass leaves references it. */
export function isNotReferenced(
  { tableAs, withNulls, isThere, hasNone }: SeenTables,
  blockers: readonly StoredBlocker[],
): RawBuilder<boolean> {
  const checks = blockers.map((blocker) => {
    const { table, indexed } = blocker.reference;
    const { from, where } = blockingRows(blocker, tableAs, withNulls);
    return hasNone(from, sql`${where} and ${isThere(table, 'b')}`, indexed);
  });
  return sql`(${sql.join(checks, sql` and `)})`;
}

/** Over alias `t` of the holder: it names a target that is not there. One that names none, or no group, does not count. */
export function isStale(
  { tableAs, isThere }: SeenTables,
  { pointer, holderGroup, target, targetKey }: StoredPointer,
  value: RawBuilder<unknown> = sql.id('t', pointer.name),
  group: RawBuilder<unknown> = sql.id('t', holderGroup.name),
): RawBuilder<boolean> {
  const isTarget = sql`${sql.id('target', targetKey.name)} = ${value} and ${isThere(target, 'target')}`;
  return sql`(${value} is not null and ${group} is not null and ${notExists(tableAs(target, 'target'), isTarget)})`;
}

/** Over alias `t` of the holder: its group has nothing left that it could be moved to. */
export function hasNoSurvivor(
  { tableAs, isThere }: SeenTables,
  { holderGroup, target, targetGroup }: StoredPointer,
): RawBuilder<boolean> {
  const isSurvivor = sql`${sql.id('survivor', targetGroup.name)} = ${sql.id('t', holderGroup.name)}`;
  return notExists(tableAs(target, 'survivor'), sql`${isSurvivor} and ${isThere(target, 'survivor')}`);
}
