import { sql } from 'kysely';

import { toSql } from '../condition.ts';
import { isStale } from '../references.ts';
import type { PostgresRows } from './connection.ts';
import { castArray, columnRef, tableRef, isAt } from './identifiers.ts';
import { VIEW } from './view.ts';

/**
 * Locks the holders of some groups, in the order of the groups so that two batches never wait for each other.
 *
 * All holders of the groups, and not only those that point at what was just deleted: another batch may at this
 * moment move one of them to a row that this batch deleted. Whoever locks second sees what the first one made of it.
 */
export const lockHolders: PostgresRows['lockHolders'] = async (connection, pointer, groups) => {
  if (groups.length === 0) return [];
  const group = columnRef('t', pointer.holderGroup);
  const { rows } = await sql<{ locations: string[] }>`
    with locked as materialized (
      select t.ctid as location
      from ${tableRef(pointer.holder)} as t
      where ${group} = any(${castArray(groups, pointer.targetGroup.type)})
      order by ${group}
      for update of t
    )
    select array(select location::text from locked) as locations`.execute(connection.db);
  return rows[0]?.locations ?? [];
};

/**
 * Repairs locked holders that point at nothing: moved to the newest surviving target of the group with its copied
 * columns; deleted if none survives and `notHeld` is true. Returns how many moved.
 *
 * Run in a statement of its own, after the locks are held, so that it sees what others made of these rows before.
 */
export const repointHolders: PostgresRows['repointHolders'] = async (
  connection,
  pointer,
  locations,
  notHeld,
) => {
  if (locations.length === 0) return 0;
  const holder = tableRef(pointer.holder);
  const copies = pointer.copy.map(({ from }, n) => sql`, ${columnRef('s', from)} as ${sql.id(`copy_${n}`)}`);
  const sets = [
    sql`${sql.id(pointer.pointer.name)} = r.target_key`,
    ...pointer.copy.map(({ to }, n) => sql`${sql.id(to.name)} = r.${sql.id(`copy_${n}`)}`),
  ];
  const { rows } = await sql<{ moved: number }>`
    with repair as materialized (
      select t.ctid as location, newest.*
      from ${holder} as t
      left join lateral (
        select ${columnRef('s', pointer.targetKey)} as target_key${sql.join(copies, sql``)}
        from ${tableRef(pointer.target)} as s
        where ${columnRef('s', pointer.targetGroup)} = ${columnRef('t', pointer.holderGroup)}
        order by ${columnRef('s', pointer.newest)} desc nulls last, ${columnRef('s', pointer.targetKey)} desc
        limit 1
      ) as newest on true
      where ${isAt(locations)} and ${isStale(VIEW.live, pointer)}
    ),
    moved as (
      update ${holder} as t
      set ${sql.join(sets)}
      from repair as r
      where t.ctid = r.location and r.target_key is not null
      returning 1
    ),
    deleted as (
      delete from ${holder} as t
      using repair as r
      where t.ctid = r.location and r.target_key is null and ${notHeld === undefined ? sql`true` : toSql(notHeld)}
    )
    select count(*)::int as moved from moved`.execute(connection.db);
  return rows[0]?.moved ?? 0;
};
