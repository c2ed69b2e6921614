import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredPointer } from '../../stored/row-tree.ts';
import { toSql } from '../condition.ts';
import type { SeenTables } from '../references.ts';
import { hasNoSurvivor, isStale } from '../references.ts';
import type { SqliteRows } from './connection.ts';
import { columnRef, isAt, isKey, locationText, tableRef } from './identifiers.ts';
import { VIEW } from './view.ts';

/** Over alias `t` of the holder: a select of the location of the newest survivor of its group; null if there is none. */
export function selectNewestTarget(
  { isThere }: SeenTables,
  pointer: StoredPointer,
): RawBuilder<number | null> {
  return sql`(
    select s.rowid
    from ${tableRef(pointer.target)} as s
    where
      ${columnRef('s', pointer.targetGroup)} = ${columnRef('t', pointer.holderGroup)}
      and ${isThere(pointer.target, 's')}
    order by ${columnRef('s', pointer.newest)} desc nulls last, ${columnRef('s', pointer.targetKey)} desc
    limit 1
  )`;
}

/** The holders of some groups. The transaction has the write lock, so that nobody moves them meanwhile. */
export const lockHolders: SqliteRows['lockHolders'] = async (connection, pointer, groups) => {
  if (groups.length === 0) return [];
  const { rows } = await connection.run(sql<{ location: string }>`
    select ${locationText('t')} as location
    from ${tableRef(pointer.holder)} as t
    where ${isKey(pointer.holderGroup, 't', groups)}
    order by t.rowid`);
  return rows.map(({ location }) => location);
};

/** Repairs holders that point at nothing. Returns how many moved. */
export const repointHolders: SqliteRows['repointHolders'] = async (
  connection,
  pointer,
  locations,
  notHeld,
) => {
  if (locations.length === 0) return 0;
  const holder = tableRef(pointer.holder);
  const newest = selectNewestTarget(VIEW.live, pointer);
  const sets = [
    sql`${sql.id(pointer.pointer.name)} = ${sql.id('n', pointer.targetKey.name)}`,
    ...pointer.copy.map(({ to, from }) => sql`${sql.id(to.name)} = ${sql.id('n', from.name)}`),
  ];
  const { changes } = await connection.run(sql`
    update ${holder} as t
    set ${sql.join(sets)}
    from ${tableRef(pointer.target)} as n
    where ${isAt(locations)} and ${isStale(VIEW.live, pointer)} and n.rowid = ${newest}`);
  await connection.run(sql`
    delete from ${holder} as t
    where
      ${isAt(locations)} and ${isStale(VIEW.live, pointer)} and ${hasNoSurvivor(VIEW.live, pointer)}
      and ${notHeld === undefined ? sql`true` : toSql(notHeld)}`);
  return changes;
};
