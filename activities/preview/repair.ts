import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { columnOf, tableOf } from '../sql/names.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import type { Doomed, PreviewScript } from './script.ts';
import { kept } from './script.ts';

/**
 * Adds the repair of pointers that point at nothing: those of the groups of rows that just went, or all where
 * `removed` is left out. What they point at afterwards is kept as a part, since a later pass may delete that too.
 */
export function previewRepair(script: PreviewScript, pointer: FrozenPointer, removed?: Doomed): void {
  const { holder, target } = pointer;
  const current =
    script.pointersOf(holder) ??
    script.part(
      () => sql`
        select
          h.ctid as place,
          ${columnOf('h', pointer.holderGroup)} as of_group,
          ${columnOf('h', pointer.pointer)} as latest
        from ${tableOf(holder)} as h
        where ${script.alive(holder, 'h')}`,
    );
  const touched =
    removed === undefined
      ? sql`true`
      : sql`c.of_group in (
          select ${sql.id('r', kept(pointer.targetGroup.name))} from ${sql.id(removed.part)} as r
        )`;
  const lost = sql`c.latest is not null
    and c.of_group is not null
    and not exists (
      select from ${tableOf(target)} as s
      where ${columnOf('s', pointer.targetKey)} = c.latest and ${script.alive(target, 's')}
    )`;
  const hit = script.part(() => sql`select c.* from ${sql.id(current)} as c where ${touched} and ${lost}`);
  const newest = script.part(
    () => sql`
      select distinct on (${columnOf('s', pointer.targetGroup)})
        ${columnOf('s', pointer.targetGroup)} as of_group,
        ${columnOf('s', pointer.targetKey)} as latest
      from ${tableOf(target)} as s
      where
        ${columnOf('s', pointer.targetGroup)} in (select of_group from ${sql.id(hit)})
        and ${script.alive(target, 's')}
      order by
        ${columnOf('s', pointer.targetGroup)},
        ${columnOf('s', pointer.newest)} desc nulls last,
        ${columnOf('s', pointer.targetKey)} desc`,
  );
  const moved = script.part(
    () => sql`
      select h.place, h.of_group, n.latest
      from ${sql.id(hit)} as h
      join ${sql.id(newest)} as n using (of_group)`,
  );
  const free = script.free({ table: holder, cascades: pointer.cascades ?? [] });
  const lostWhere = (which: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    select h.place
    from ${sql.id(hit)} as h
    ${free === undefined ? sql`` : sql`join ${tableOf(holder)} as t on t.ctid = h.place`}
    where not exists (select from ${sql.id(newest)} as n where n.of_group = h.of_group) and ${which}`;
  const lostAll = script.part(() => lostWhere(free ?? sql`true`));
  if (free !== undefined && removed === undefined) {
    script.count(
      holder.label,
      'held',
      script.part(() => lostWhere(sql`not ${free}`)),
    );
  }
  script.count(holder.label, 'moved', moved);
  script.doom(holder, lostAll);
  script.setPointersOf(
    holder,
    script.part(
      () => sql`
        select c.*
        from ${sql.id(current)} as c
        where not exists (select from ${sql.id(hit)} as h where h.place = c.place)
        union all
        select * from ${sql.id(moved)}`,
    ),
  );
}
