import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { StoredBlocker } from '../../stored/row-tree.ts';
import { blockedSql, blockingRows, listInner } from '../blockers.ts';
import { toSql } from '../condition.ts';
import { joinPath } from '../join-path.ts';
import type { ViewSql } from '../sql-view.ts';
import type { Connection, SqliteRows } from './connection.ts';
import { isAt, tableAs, tableRef } from './identifiers.ts';

/**
 * Selects of what forbids to delete rows, alias `t`, that `rows` gives in a `from`: `down` is the location of the row, `up`
 * that of the pass's row with which a row that references is deleted, or null if it is deleted with none.
 */
function selectEdges(
  table: TableName,
  blockers: readonly StoredBlocker[],
  rows: RawBuilder<unknown>,
): { readonly up: RawBuilder<unknown>; readonly isKnown: boolean; readonly from: RawBuilder<unknown> }[] {
  return blockers.flatMap((blocker) => {
    const { from, where } = blockingRows(blocker, tableAs);
    const ups = blocker.ways.map((way) => selectUp(table, way));
    const each = sql`${rows}, ${from} where ${where}`;
    const none = ups.map((up) => sql`${up} is null`);
    return [
      ...ups.map((up) => ({ up, isKnown: true, from: sql`${each} and ${up} is not null` })),
      { up: sql`null`, isKnown: false, from: sql`${each} and ${sql.join(none, sql` and `)}` },
    ];
  });
}

/** From a row that references, alias `b`, back up to the row of the pass with which it is deleted along a way. */
function selectUp(table: TableName, way: StoredBlocker['path']): RawBuilder<unknown> {
  if (way.length === 0) return sql`b.rowid`;
  const { tables, where, end } = joinPath(way, 'r', 'w', tableAs);
  const joins = [...where, sql`${sql.id(end)}.rowid = b.rowid`];
  return sql`(
    select r.rowid from ${sql.join([tableAs(table, 'r'), ...tables])} where ${sql.join(joins, sql` and `)} limit 1
  )`;
}

/** `edge (down, up)`: who references whom among some rows, which `rows` selects as column `location` of alias `x`. */
export function edgeSql(
  table: TableName,
  blockers: readonly StoredBlocker[],
  rows: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const each = sql`${rows} as x join ${tableAs(table, 't')} on t.rowid = x.location`;
  const selects = selectEdges(table, blockers, each).map(
    ({ up, from }) => sql`select t.rowid, ${up} from ${from}`,
  );
  return sql`edge (down, up) as (${sql.join(selects, sql` union all `)})`;
}

/** Over alias `t`: all that references the row within the tables of its pass can be deleted too. */
export const isNotChained: ViewSql<Connection>['isNotChained'] = (table, blockers, deletable, limit) => {
  const each = sql`reach as x join ${tableAs(table, 't')} on t.rowid = x.location`;
  const steps = selectEdges(table, blockers, each)
    .filter(({ isKnown }) => isKnown)
    .map(
      ({ up, from }) => sql`
        union
        select ${up} from ${from}
        and exists (select 1 from ${tableRef(table)} as t where t.rowid = ${up} and ${deletable})`,
    );
  return sql`exists (
    with recursive
    reach (location) as (select t.rowid ${sql.join(steps, sql``)} limit ${limit}),
    ${edgeSql(table, blockers, sql`reach`)},
    ${blockedSql(sql`reach`)}
    select 1 from reach as x
    where x.location = t.rowid and not exists (select 1 from blocked as k where k.location = x.location)
  )`;
};

/** Some rows of a pass, and the deletable rows that they need to go too; at most `limit`. */
export const findChain: SqliteRows['findChain'] = async (connection, tree, deletable, locations, limit) => {
  const blockers = listInner(tree);
  const needs = new Map<string, (string | null)[]>(locations.map((location) => [location, []]));
  let frontier: readonly string[] = locations;
  while (frontier.length > 0) {
    const each = sql`(select 1) as one join ${tableAs(tree.table, 't')} on ${isAt(frontier)}`;
    const selects = selectEdges(tree.table, blockers, each).map(
      ({ up, from }) => sql`select cast(t.rowid as text) as down, cast(${up} as text) as up from ${from}`,
    );
    const { rows } = await connection.run(
      sql<{ down: string; up: string | null }>`${sql.join(selects, sql` union `)}`,
    );
    for (const { down, up } of rows) needs.get(down)?.push(up);
    const found = [...new Set(rows.flatMap(({ up }) => up ?? []))].filter((up) => !needs.has(up));
    const next = found.slice(0, Math.max(0, limit - needs.size));
    const { rows: deletableRows } = await connection.run(sql<{ location: string }>`
      select cast(t.rowid as text) as location
      from ${tableAs(tree.table, 't')}
      where ${isAt(next)} and ${toSql(deletable)}`);
    frontier = deletableRows.map(({ location }) => location);
    for (const location of frontier) needs.set(location, []);
  }
  return [...needs].map(([location, own]) => ({ location, needs: own }));
};
