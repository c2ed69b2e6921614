import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredPointer } from '../../../stored/row-tree.ts';
import { isStale } from '../../references.ts';
import { columnRef, tableRef } from '../identifiers.ts';
import { keptColumn } from './kept-columns.ts';
import type { DeletedRowsCte, PreviewStatement } from './statement.ts';

/**
 * Adds the repair of pointers that point at nothing: those of the groups of rows that were just deleted, or all if
 * `deleted` is left out. Their values afterwards are kept, since a later pass may delete what they point at then.
 */
export function addRepair(
  statement: PreviewStatement,
  pointer: StoredPointer,
  deleted?: DeletedRowsCte,
): void {
  const { holder, target } = pointer;
  const current =
    statement.findPointers(pointer) ??
    statement.addCte(
      () => sql`
        select
          h.ctid as location,
          ${columnRef('h', pointer.holderGroup)} as group_value,
          ${columnRef('h', pointer.pointer)} as pointer_value
        from ${tableRef(holder)} as h
        where ${statement.isNotDeletedYet(holder, 'h')}`,
    );
  const isTouched =
    deleted === undefined
      ? sql`true`
      : sql`c.group_value in (
          select ${sql.id('r', keptColumn(pointer.targetGroup.name))} from ${sql.id(deleted.cte)} as r
        )`;
  const stale = statement.addCte(
    () => sql`
      select c.*
      from ${sql.id(current)} as c
      where
        ${isTouched}
        and ${isStale(statement.seen, pointer, sql`c.pointer_value`, sql`c.group_value`)}
        and ${statement.isLocationNotDeletedYet(holder, 'c')}`,
  );
  const newest = statement.addCte(
    () => sql`
      select distinct on (${columnRef('s', pointer.targetGroup)})
        ${columnRef('s', pointer.targetGroup)} as group_value,
        ${columnRef('s', pointer.targetKey)} as pointer_value
      from ${tableRef(target)} as s
      where
        ${columnRef('s', pointer.targetGroup)} in (select group_value from ${sql.id(stale)})
        and ${statement.isNotDeletedYet(target, 's')}
      order by
        ${columnRef('s', pointer.targetGroup)},
        ${columnRef('s', pointer.newest)} desc nulls last,
        ${columnRef('s', pointer.targetKey)} desc`,
  );
  const moved = statement.addCte(
    () => sql`
      select h.location, h.group_value, n.pointer_value
      from ${sql.id(stale)} as h
      join ${sql.id(newest)} as n using (group_value)`,
  );
  const notHeld = statement.isNotHeld({ table: holder, cascades: pointer.cascades });
  const selectWithoutSurvivor = (which: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    select h.location
    from ${sql.id(stale)} as h
    ${notHeld === undefined ? sql`` : sql`join ${tableRef(holder)} as t on t.ctid = h.location`}
    where not exists (select from ${sql.id(newest)} as n where n.group_value = h.group_value) and (${which})`;
  const withoutSurvivor = statement.addCte(() => selectWithoutSurvivor(notHeld ?? sql`true`));
  if (notHeld !== undefined && deleted === undefined) {
    const held = statement.addCte(() => selectWithoutSurvivor(sql`not (${notHeld})`));
    statement.addCount(holder.label, 'held', held);
  }
  statement.addCount(holder.label, 'moved', moved);
  statement.markDeleted(holder, withoutSurvivor);
  const after = statement.addCte(
    () => sql`
      select c.*
      from ${sql.id(current)} as c
      where not exists (select from ${sql.id(stale)} as h where h.location = c.location)
      union all
      select * from ${sql.id(moved)}`,
  );
  statement.setPointers(pointer, after);
}
