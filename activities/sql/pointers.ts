import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import { isFree } from './free.ts';
import type { Holds } from './holds.ts';
import type { ColumnName, TableName } from './names.ts';
import { columnOf, tableOf } from './names.ts';
import { isAt } from './places.ts';
import type { Tx } from './transaction.ts';

/** Rows of `holder` that point at the newest row of their group in `target`, as a run froze it. */
export interface FrozenPointer {
  readonly holder: TableName;
  readonly pointer: ColumnName;
  readonly holderGroup: ColumnName;
  readonly target: TableName;
  readonly targetKey: ColumnName;
  readonly targetGroup: ColumnName;
  readonly newest: ColumnName;
  /** Columns that the holder copies from the target. */
  readonly copy: readonly { readonly to: ColumnName; readonly from: ColumnName }[];
  /** What cascades from the holder; runs that older versions began have none. */
  readonly cascades?: readonly CascadeStep[];
}

/** Over alias `t` of the holder: no hold names it or what goes along with it; undefined where no hold is about that. */
export function freeHolders(
  holds: Holds,
  { holder, cascades = [] }: FrozenPointer,
): RawBuilder<boolean> | undefined {
  return isFree(holds, { table: holder, cascades });
}

/** Over alias `t` of the holder: it names a target that is gone. One that names none, or no group, is left alone. */
export function isStale(frozen: FrozenPointer): RawBuilder<boolean> {
  const { pointer, holderGroup, target, targetKey } = frozen;
  return sql`${columnOf('t', pointer)} is not null
    and ${columnOf('t', holderGroup)} is not null
    and not exists (
      select from ${tableOf(target)} as target
      where ${columnOf('target', targetKey)} = ${columnOf('t', pointer)}
    )`;
}

/** Over alias `t` of the holder: its group has nothing left that it could be moved to. */
export function hasNoSurvivor({ holderGroup, target, targetGroup }: FrozenPointer): RawBuilder<boolean> {
  return sql`not exists (
    select from ${tableOf(target)} as survivor
    where ${columnOf('survivor', targetGroup)} = ${columnOf('t', holderGroup)}
  )`;
}

/**
 * Locks the holders of some groups, in the order of the groups so that two batches never wait for each other.
 *
 * All holders of the groups, and not only those that point at what was just deleted: another batch may at this
 * moment move one of them to a row that this batch deleted. Whoever locks second sees what the first one made of it.
 */
export async function lockHoldersOf(
  tx: Tx,
  pointer: FrozenPointer,
  groups: readonly string[],
): Promise<string[]> {
  const group = columnOf('t', pointer.holderGroup);
  const { rows } = await sql<{ places: string[] }>`
    with locked as materialized (
      select t.ctid as place
      from ${tableOf(pointer.holder)} as t
      where ${group} = any(${groups}::${sql.raw(pointer.holderGroup.type)}[])
      order by ${group}
      for update of t
    )
    select array(select place::text from locked) as places`.execute(tx);
  return rows[0]?.places ?? [];
}

/**
 * Repairs locked holders that point at nothing: moved to the newest surviving target of the group with its copied
 * columns; deleted where none survives, unless `free` (alias `t`) says that it stays. Answers how many moved.
 *
 * Run in a statement of its own, after the locks are held, so that it sees what others made of these rows before.
 */
export async function repairHolders(
  tx: Tx,
  pointer: FrozenPointer,
  places: readonly string[],
  free: RawBuilder<boolean> | undefined,
): Promise<number> {
  if (places.length === 0) return 0;
  const holder = tableOf(pointer.holder);
  const copies = pointer.copy.map(({ from }, n) => sql`, ${columnOf('s', from)} as ${sql.id(`copy_${n}`)}`);
  const sets = [
    sql`${sql.id(pointer.pointer.name)} = r.target_key`,
    ...pointer.copy.map(({ to }, n) => sql`${sql.id(to.name)} = r.${sql.id(`copy_${n}`)}`),
  ];
  const { rows } = await sql<{ moved: number }>`
    with repair as materialized (
      select t.ctid as place, newest.*
      from ${holder} as t
      left join lateral (
        select ${columnOf('s', pointer.targetKey)} as target_key${sql.join(copies, sql``)}
        from ${tableOf(pointer.target)} as s
        where ${columnOf('s', pointer.targetGroup)} = ${columnOf('t', pointer.holderGroup)}
        order by ${columnOf('s', pointer.newest)} desc nulls last, ${columnOf('s', pointer.targetKey)} desc
        limit 1
      ) as newest on true
      where ${isAt(places)} and ${isStale(pointer)}
    ),
    moved as (
      update ${holder} as t
      set ${sql.join(sets)}
      from repair as r
      where t.ctid = r.place and r.target_key is not null
      returning 1
    ),
    gone as (
      delete from ${holder} as t
      using repair as r
      where t.ctid = r.place and r.target_key is null and ${free ?? sql`true`}
    )
    select count(*)::int as moved from moved`.execute(tx);
  return rows[0]?.moved ?? 0;
}
